/** README.md of an exported folder. */
import type { Metrics } from '@t2r/core';
import { type AnyModel, isTranslation, parameterCount } from '@t2r/models';
import { pythonExample, pythonTokenizer, scriptExample } from './card-examples.js';
import type { LoadedModel } from './loaded-model.js';
import type { ExportManifest } from './manifest.js';
import type { ParityReport } from './parity/types.js';

/** Where a checkpoint comes from. */
export interface ModelHistory {
  /** Name of the run. */
  run: string;
  /** The step that left the checkpoint, and its figures. */
  step: { id: string; use: string; metrics: Metrics };
  /** Figures of evaluations, and how they were measured. */
  evaluations: { metrics: Metrics; protocols: string[] }[];
}

const number = (value: number) =>
  Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(5)));

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const metricsTable = (metrics: Metrics) =>
  table(
    ['metric', 'value'],
    Object.entries(metrics).map(([name, value]) => [name, number(value)]),
  );

/** YAML strings are quoted as JSON, which they are. */
function frontMatter({ kind, recurrent, dtype }: ExportManifest, licence?: string): string {
  const task = kind === 'encoder-decoder' ? 'translation' : 'text-generation';
  const tags = [
    task,
    'onnx',
    ...(recurrent ? ['t2r', 'linear-attention', 'rnn'] : []),
    ...(dtype === 'fp32' ? [] : [dtype]),
  ];
  const lines = [
    ...(licence === undefined ? [] : [`license: ${JSON.stringify(licence)}`]),
    'library_name: onnx',
    `pipeline_tag: ${task}`,
    `tags: [${tags.join(', ')}]`,
  ];
  return `---\n${lines.join('\n')}\n---`;
}

/** What kind of model it is, in a sentence. */
function summary({ kind, recurrent }: ExportManifest, { attention }: AnyModel): string {
  const what = kind === 'encoder-decoder' ? 'A translation model' : 'A language model';
  const names = [...new Set(attention.map(({ name }) => name))].join(', ');
  return recurrent
    ? `${what} whose decoder is a recurrent network (attention: ${names}), as ONNX graphs: its state has a fixed size, however long the text. It was a transformer; how it became an RNN: [Kasai et al. 2021](https://arxiv.org/abs/2103.13076).`
    : `${what} (attention: ${names}) as ONNX graphs. Its caches have room for a fixed number of positions.`;
}

function facts(manifest: ExportManifest, { model, origin }: LoadedModel): string {
  const { dtype, batch, capacity, max_positions: longest, state_bytes: bytes, model_hash: hash } = manifest;
  const size = isTranslation(model)
    ? `encoder ${model.config.encoder.layers}, decoder ${model.config.decoder.layers}, ${model.config.dim}`
    : `${model.config.layers}, ${model.config.dim}`;
  return table(
    ['', ''],
    [
      ['parameters', number(parameterCount(model))],
      ['layers, width', size],
      ['vocabulary', number(manifest.vocab)],
      ['weights', dtype],
      ['sequences side by side', number(batch)],
      ['state of a sequence', `${number(bytes)} bytes`],
      ['positions', longest === null ? 'no end' : number(longest)],
      ...(capacity === null ? [] : [['room in caches', `${number(capacity)} positions`]]),
      ['licence', origin?.licence ?? 'not stated'],
      ['model hash', `\`${hash.slice(0, 16)}...\``],
    ],
  );
}

function paritySection({ dtype }: ExportManifest, parity: ParityReport): string {
  const { tokens, text, max_difference, max_prefill_difference, max_logit, agreement, perplexity, greedy } = parity;
  const change = 100 * (perplexity.exported / perplexity.parallel - 1);
  const rows = [
    ['largest difference of logits, token by token', max_difference.toExponential(2)],
    ...(max_prefill_difference === null
      ? []
      : [['largest difference of logits, in chunks', max_prefill_difference.toExponential(2)]]),
    ['largest logit', number(max_logit)],
    ['same likeliest token', `${(100 * agreement).toFixed(2)} %`],
    ['perplexity, training graph', number(perplexity.parallel)],
    ['perplexity, exported', `${number(perplexity.exported)} (${change >= 0 ? '+' : ''}${change.toFixed(3)} %)`],
    ['same greedy tokens', `${greedy.same} of ${greedy.ids.length}`],
  ];
  const verdict =
    dtype === 'fp32'
      ? `The files were opened in plain ONNX Runtime and held against the graph that the model was trained in: ${parity.passed ? 'they are equal' : '**they differ**'}.`
      : `The files were opened in plain ONNX Runtime and held against the graph that the model was trained in, whose weights are float32.`;
  return [verdict, table([`${number(tokens)} tokens, ${text}`, ''], rows)].join('\n\n');
}

function historySection(history?: ModelHistory): string[] {
  if (history === undefined) return [];
  const { run, step, evaluations } = history;
  const shown = evaluations.filter(({ metrics }) => Object.keys(metrics).length > 0);
  return [
    '## Where it comes from',
    `Step \`${step.id}\` (\`${step.use}\`) of the run \`${run}\`.`,
    ...(Object.keys(step.metrics).length === 0 ? [] : [metricsTable(step.metrics)]),
    ...shown.flatMap(({ metrics, protocols }) => [
      metricsTable(metrics),
      ...(protocols.length === 0 ? [] : [protocols.map((text) => `- \`${text}\``).join('\n')]),
    ]),
  ];
}

/** The card: what the model is, where it comes from, how it compares, and how to run it. */
export function exportCard(
  manifest: ExportManifest,
  loaded: LoadedModel,
  parity: ParityReport,
  history?: ModelHistory,
): string {
  const python = pythonTokenizer(loaded.tokenizer);
  const { name, files, batch } = manifest;
  const sections = [
    frontMatter(manifest, loaded.origin?.licence),
    `# ${name}`,
    summary(manifest, loaded.model),
    facts(manifest, loaded),
    ...historySection(history),
    '## Checked',
    paritySection(manifest, parity),
    '## Files',
    table(
      ['file', 'bytes'],
      Object.entries(files).map(([file, { bytes }]) => [`\`${file}\``, number(bytes)]),
    ),
    '`config.json` tells inputs, outputs, shapes and checksums.',
    '## Running it in Python',
    `\`pip install onnxruntime numpy${python === undefined ? '' : ` ${python}`}\`${batch === 1 ? '' : `; the graphs take ${batch} sequences, this program one: give every input ${batch} rows`}`,
    `\`\`\`python\n${pythonExample(manifest, python)}\n\`\`\``,
    '## Running it in Node',
    '`npm install onnxruntime-node`',
    `\`\`\`js\n${scriptExample(manifest)}\n\`\`\``,
    '## Running it in a browser',
    "The same program with `import * as ort from 'onnxruntime-web'` and `const config = await (await fetch(folder + '/config.json')).json()` in place of the lines that need Node, and graphs opened with `{ externalData: [{ path: config.weights, data: folder + '/' + config.weights }] }`.",
  ];
  return `${sections.join('\n\n')}\n`;
}
