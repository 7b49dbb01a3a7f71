/** Scores what the command line names, and prints it. */
import type { Accumulator } from '../metric/accumulator.js';
import type { Metric } from '../metric/metric.js';
import type { Seed } from '../random/draws.js';
import { comparePaired } from '../significance/paired.js';
import { checkSystems } from './check.js';
import { type Corpus, openCorpus } from './corpus.js';
import { failure } from './exit.js';
import { createMetrics } from './metrics.js';
import type { Arguments, MetricName } from './options.js';
import { singleAsJson, singleAsText } from './print-single.js';
import { type Column, formatSystems } from './print-systems.js';
import { createPaint, type Log, type Terminal } from './terminal.js';

/** A metric with the corpora of all systems. */
interface Evaluated {
  name: MetricName;
  metric: Metric;
  systems: Accumulator[];
}

/** Seed of resampling, from the environment. */
function seedOf({ SACREBLEU_SEED: text = '12345' }: Terminal['env']): Seed {
  if (text.trim().toLowerCase() === 'none') return null;
  if (!/^\s*\d+\s*$/.test(text)) throw failure(`SACREBLEU_SEED must be a whole number or none, not '${text}'.`);
  return BigInt(text.trim());
}

export async function evaluate(args: Arguments, terminal: Terminal, log: Log): Promise<void> {
  const corpus = await openCorpus(args, terminal, log);
  checkSystems(args, corpus.names.length);
  const metrics = await createMetrics(args, log.problem);
  if (args.sentenceLevel) {
    const [metric] = metrics.values();
    await printSentences(metric!, corpus, args, terminal);
    return;
  }
  const paired = args.pairedAr || args.pairedBs;
  const evaluated = await score(metrics, corpus, args.confidence || paired);
  if (corpus.names.length === 1) printSingle(evaluated, args, terminal);
  else {
    log.info(`Found ${corpus.names.length} systems.`);
    printSystems(evaluated, corpus.names, args, terminal);
  }
}

/** Reads the corpus once and adds each segment to all systems under all metrics. */
async function score(
  metrics: ReadonlyMap<MetricName, Metric>,
  corpus: Corpus,
  keepStatistics: boolean,
): Promise<Evaluated[]> {
  const evaluated = [...metrics].map(
    ([name, metric]): Evaluated => ({
      name,
      metric,
      systems: corpus.names.map(() => metric.accumulate({ keepStatistics })),
    }),
  );
  for await (const batch of corpus.segments()) {
    for (const { outputs, references } of batch) {
      for (const { metric, systems } of evaluated) {
        const prepared = references.map((reference) => metric.kernel.prepare(reference));
        for (const [i, output] of outputs.entries()) systems[i]!.addPrepared(output, prepared);
      }
    }
  }
  return evaluated;
}

async function printSentences(metric: Metric, corpus: Corpus, args: Arguments, terminal: Terminal): Promise<void> {
  for await (const batch of corpus.segments()) {
    const lines = batch.map(({ outputs: [output], references }) => {
      const sentence = metric.sentenceScore(output!, references);
      const signature = sentence.signature.format(args.short);
      return `${sentence.format({ width: args.width, scoreOnly: args.scoreOnly, signature })}\n`;
    });
    terminal.out(lines.join(''));
  }
}

const byName = (evaluated: readonly Evaluated[]) => [...evaluated].sort((a, b) => (a.name < b.name ? -1 : 1));
const paintFor = (args: Arguments, { isTerminal, env }: Terminal) =>
  createPaint(isTerminal && !args.noColor && !env.NO_COLOR);

function printSingle(evaluated: readonly Evaluated[], args: Arguments, terminal: Terminal): void {
  const json = args.format === 'json' && !args.detail;
  const bootstrap = args.confidence ? args.confidenceN : 1;
  const seed = seedOf(terminal.env);
  const lines = byName(evaluated).map(({ systems: [system] }) => {
    const result = system!.score({ bootstrap, seed });
    const signature = result.signature.format(args.short && !json);
    return result.format({ width: args.width, scoreOnly: args.scoreOnly, signature, json });
  });
  terminal.out(json ? singleAsJson(lines) : singleAsText(lines, paintFor(args, terminal)));
  if (args.detail) terminal.out('No subset information found.\n');
}

function printSystems(
  evaluated: readonly Evaluated[],
  names: readonly string[],
  args: Arguments,
  terminal: Terminal,
): void {
  const output = { format: args.format, width: args.width, paint: paintFor(args, terminal) };
  if (!args.pairedAr && !args.pairedBs) {
    const columns = byName(evaluated).map(({ systems }): Column => {
      const scores = systems.map((system) => system.score());
      return {
        name: scores[0]!.name,
        signature: scores[0]!.signature.format(args.short),
        cells: scores.map((result) => result.format({ width: args.width, scoreOnly: true })),
      };
    });
    terminal.out(formatSystems({ ...output, names, columns }));
    return;
  }
  const test = args.pairedBs ? 'bs' : 'ar';
  const samples = args.pairedBs ? args.pairedBsN : args.pairedArN;
  const results = comparePaired(evaluated, { test, samples, seed: seedOf(terminal.env) });
  const columns = results.map(({ name, signature, results: cells }) => ({
    name,
    signature: signature.format(args.short),
    cells,
  }));
  const shown =
    args.input === null
      ? names.map((_, i) => (i === 0 ? 'Baseline' : `System ${i}`))
      : names.map((name, i) => (i === 0 ? `Baseline: ${name}` : name));
  terminal.out(formatSystems({ ...output, names: shown, columns, paired: { test, samples } }));
}
