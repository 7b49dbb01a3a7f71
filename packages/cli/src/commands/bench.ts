/** `t2r bench`: decoding speed, time to the first token and memory against length, of several models side by side. */
import { UserError, writeFileAtomic } from '@t2r/core';
import type { SpeedPoint } from '@t2r/report';
import { breakEvenLengths, describeFindings, labelOf } from '../bench/findings.js';
import { type BenchModel, measureTarget } from '../bench/measure.js';
import { type BenchShape, benchTargets } from '../bench/targets.js';
import { EXIT } from '../failure.js';
import { createProgress } from '../progress.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';
import { withEngine } from '../with-engine.js';

export interface BenchCommandOptions extends BenchShape {
  attention: string[];
  cross: string[];
  lengths?: number[];
  batch: number[];
  rounds?: number;
  tokens: number;
  readSeconds: number;
  memoryTokens: number;
  seed: number;
  engine: string;
  plugin: string[];
  html?: string;
  json?: boolean;
}

/** Lengths and rounds where none are given. */
const DEFAULTS = {
  'decoder-lm': { lengths: [128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536], rounds: 20 },
  'encoder-decoder': { lengths: [64, 128, 256, 512, 1024, 2048], rounds: 3 },
} as const;

/** Measures the models at `paths`, or of a shape. */
export async function benchCommand(
  paths: readonly string[],
  options: BenchCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err, live, columns, colors, env } = terminal;
  const registry = await commandRegistry(options.plugin);
  const targets = await benchTargets(paths, { ...options, registry, env });
  const { use } = targets[0]!.config;
  const rounds = options.rounds ?? DEFAULTS[use].rounds;
  const lengths = ascending(options.lengths ?? DEFAULTS[use].lengths);
  const batches = ascending(options.batch);
  if (rounds < 1 || options.tokens < 1) throw new UserError('--rounds and --tokens must be at least 1');
  const progress = createProgress({ stream: { write: err, columns }, live, colors });
  return withEngine({ registry, engine: options.engine, terminal }, async (engine, signal) => {
    const models: BenchModel[] = [];
    for (const target of targets) {
      const { tokens, readSeconds, memoryTokens, seed } = options;
      const measured = { lengths, batches, rounds, tokens, readSeconds, memoryTokens, seed, signal };
      const onProgress = (done: number, total: number, unit: string) =>
        progress.event({ type: 'progress', step: 'bench', done, total, unit });
      models.push(await measureTarget(target, engine, { ...measured, onProgress }));
    }
    progress.clear();

    const report = await import('@t2r/report');
    const translation = use === 'encoder-decoder';
    const protocol = translation
      ? `translate|engine:${engine.name}|beam:1|length:forced, source as long|rounds:${rounds}|median`
      : `decode|engine:${engine.name}|choice:greedy|tokens:${options.tokens}|rounds:${rounds}|cache:as large as the position|median of single steps`;
    const breakEven = breakEvenLengths(models);
    const findings = describeFindings(models, breakEven);
    const points = models.flatMap((model) =>
      model.curves.flatMap((curve) =>
        curve.points.map(({ state: _, ...point }): SpeedPoint => {
          return { series: labelOf(model), batch: curve.batch, ...point };
        }),
      ),
    );
    const meaning = translation ? ('translation' as const) : ('position' as const);
    const environment = await report.describeEnvironment();
    const created = new Date().toISOString();
    if (options.html !== undefined) {
      const title = translation ? 'Speed of translation' : 'Speed of decoding';
      const page = { title, created, meaning, points, findings, protocol, environment };
      await writeFileAtomic(options.html, await report.renderBench(page));
    }
    if (options.json) {
      const plain = models.map(({ stateBytes: _, ...model }) => model);
      const about = { format: 't2r-bench', version: 1, created, kind: use, protocol };
      out(`${JSON.stringify({ ...about, models: plain, breakEven, environment }, null, 2)}\n`);
      return EXIT.ok;
    }
    out(`${report.formatTable(report.speedTable(points, meaning), { bold: colors.bold })}\n\n`);
    for (const line of findings) out(`${line}\n`);
    err(`${protocol}\n`);
    if (options.html !== undefined) err(`${options.html}\n`);
    return EXIT.ok;
  });
}

const ascending = (values: readonly number[]) => [...new Set(values)].sort((a, b) => a - b);
