/**
 * Benchmarks: `npm run bench -- train decode --json`, and `npm run bench -- compare train --peer "python bench.py ..."`.
 * `npm run bench -- metrics --ref ref.txt --hyp hyp.txt --python python3` holds sacrebleu-ts against Python's sacreBLEU.
 * One JSON object a line with --json, a Markdown table of all with --markdown, a line a figure otherwise.
 */
import { parseArgs } from 'node:util';
import { PRECISIONS, PROVIDERS, WEIGHT_FORMATS } from '@t2r/engine';
import { BENCH_DEFAULTS, type BenchOptions, CASES, type Figure, REFERENCE, type Sizes } from './cases.js';
import { compare } from './compare.js';
import { type ConvertFigure, convert } from './convert.js';
import { type LoadFigure, load } from './load.js';
import { markdownTable } from './markdown.js';
import { compareMetrics, METRIC_CASES } from './metrics.js';
import { compareTranslations } from './translations.js';

/** Takes a quarter of an hour. */
const LONG = 'train-sizes';

const USAGE = `usage: npm run bench -- [case ...] [--json | --markdown] [--<size> n] [--contexts a,b,c]
         [--dtype ${WEIGHT_FORMATS.join('|')}] [--provider ${PROVIDERS.join('|')}] [--precision ${PRECISIONS.join('|')}]
       npm run bench -- load [checkpoint ...] [--json]
       npm run bench -- convert [folder of a model] [--json]
       npm run bench -- compare <case> --peer "<command that prints one JSON object a case>" [--pairs 5]
       npm run bench -- metrics [${METRIC_CASES.join('|')} ...] --ref <file> --hyp <file> --python <interpreter> [--pairs 5]
       npm run bench -- translations <checkpoint> [other checkpoint ...] --sources <file> --python <interpreter> [--pairs 5]
cases: ${Object.keys(CASES).join(', ')} (default: all but ${LONG}; those of tokenizers need T2R_DATA)
sizes: ${Object.entries(REFERENCE)
  .map(([name, value]) => `--${name} ${value}`)
  .join(' ')}`;

const sizeOptions = Object.fromEntries(Object.keys(REFERENCE).map((name) => [name, { type: 'string' as const }]));

function fail(message: string): never {
  console.error(`error: ${message}\n${USAGE}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        markdown: { type: 'boolean' },
        help: { type: 'boolean' },
        contexts: { type: 'string', default: BENCH_DEFAULTS.contexts.join() },
        peer: { type: 'string' },
        ref: { type: 'string' },
        hyp: { type: 'string' },
        python: { type: 'string' },
        sources: { type: 'string' },
        dtype: { type: 'string', default: BENCH_DEFAULTS.dtype },
        provider: { type: 'string', default: BENCH_DEFAULTS.provider },
        precision: { type: 'string', default: BENCH_DEFAULTS.precision },
        pairs: { type: 'string', default: '5' },
        ...sizeOptions,
      },
    });
  } catch (error) {
    fail((error as Error).message);
  }
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (!(Number.isInteger(number) && number > 0)) fail(`--${name} must be a whole number above 0, not '${value}'`);
  return number;
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((item) => item === value);
  return found ?? fail(`--${name} is one of ${known.join(', ')}, not '${value}'`);
}

function printFigure(figure: Figure | LoadFigure | ConvertFigure, json = false): void {
  if (json) {
    console.log(JSON.stringify(figure));
    return;
  }
  const shown = Object.entries(figure).map(([key, value]) => {
    if (typeof value !== 'number') return `${key} ${value}`;
    return `${key} ${Number.isInteger(value) ? value : value.toPrecision(4)}`;
  });
  console.log(shown.join('  '));
}

const { values, positionals } = parse();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const sizes: Sizes = { ...REFERENCE };
for (const name of Object.keys(REFERENCE) as (keyof Sizes)[]) {
  const value = (values as unknown as Record<string, string | undefined>)[name];
  if (value !== undefined) sizes[name] = positive(name, value);
}
const options: BenchOptions = {
  contexts: values.contexts.split(',').map((part) => positive('contexts', part)),
  dtype: oneOf('dtype', values.dtype, WEIGHT_FORMATS),
  provider: oneOf('provider', values.provider, PROVIDERS),
  precision: oneOf('precision', values.precision, PRECISIONS),
};

if (positionals[0] === 'compare') {
  const [, name] = positionals;
  if (name === undefined || !(name in CASES)) fail(`compare needs one of ${Object.keys(CASES).join(', ')}`);
  if (values.peer === undefined) fail('compare needs --peer');
  await compare({
    name,
    peer: values.peer,
    pairs: positive('pairs', values.pairs),
    sizes,
    options,
    json: values.json ?? false,
  });
} else if (positionals[0] === 'metrics') {
  const metrics = positionals.length > 1 ? positionals.slice(1) : [...METRIC_CASES];
  const unknown = metrics.find((name) => !(METRIC_CASES as readonly string[]).includes(name));
  if (unknown !== undefined) fail(`there is no metric '${unknown}'`);
  const { ref, hyp, python } = values;
  if (ref === undefined || hyp === undefined || python === undefined) fail('metrics needs --ref, --hyp and --python');
  await compareMetrics({
    metrics,
    ref,
    hyp,
    python,
    pairs: positive('pairs', values.pairs),
    json: values.json ?? false,
  });
} else if (positionals[0] === 'translations') {
  const [, checkpoint, ...others] = positionals;
  const { sources, python } = values;
  if (checkpoint === undefined || sources === undefined || python === undefined)
    fail('translations needs a checkpoint, --sources and --python');
  const { beam, tbatch: batch, threads } = sizes;
  const pairs = positive('pairs', values.pairs);
  await compareTranslations({
    checkpoint,
    others,
    sources,
    python,
    beam,
    batch,
    threads,
    pairs,
    json: values.json ?? false,
  });
} else if (positionals[0] === 'load') {
  for await (const figure of load(positionals.slice(1))) printFigure(figure, values.json);
} else if (positionals[0] === 'convert') {
  for await (const figure of convert(positionals[1])) printFigure(figure, values.json);
} else {
  const names = positionals.length > 0 ? positionals : Object.keys(CASES).filter((name) => name !== LONG);
  const unknown = names.find((name) => !(name in CASES));
  if (unknown !== undefined) fail(`there is no case '${unknown}'`);
  const refuse = (option: 'provider' | 'precision', takes: (name: string) => boolean) => {
    const without = names.find((name) => !takes(name));
    if (options[option] !== BENCH_DEFAULTS[option] && without !== undefined)
      fail(`case '${without}' takes no --${option}`);
  };
  refuse('provider', (name) => name.startsWith('train') || name.startsWith('decode'));
  refuse('precision', (name) => name.startsWith('train'));
  const figures: Figure[] = [];
  for (const name of names) {
    for await (const figure of CASES[name]!(sizes, options)) {
      if (values.markdown) figures.push(figure);
      else printFigure(figure, values.json);
    }
  }
  if (values.markdown) console.log(markdownTable(figures));
}
