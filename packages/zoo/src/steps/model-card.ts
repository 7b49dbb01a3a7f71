/** The card of a model that is written for others: what it is, where it comes from, what was done to it and how to load it. */
import type { Metrics } from '@t2r/core';
import type { ModelConfig } from '@t2r/models';
import type { CheckpointOrigin } from '../types.js';

export interface CardData {
  name: string;
  config: ModelConfig;
  parameters: number;
  /** Bytes of recurrent state or cache that one sequence needs at the longest position, of a source as long where there is one. */
  stateBytes: number;
  origin?: CheckpointOrigin;
  licence?: string;
  /** What of Python loads the tokenizer beside the weights, with the same ids; absent where there is none or nothing does. */
  tokenizer?: 'AutoTokenizer' | 'sentencepiece';
  /** Class of transformers that loads it; absent for this project's own format. */
  transformers?: string;
  /** The step that left the checkpoint, and its figures: losses of a training. */
  step: { id: string; use: string; metrics: Metrics };
  /** Figures of evaluations, and how they were measured. */
  evaluations: { metrics: Metrics; protocols: string[] }[];
}

const HUB = /^hf:(.+)@([0-9a-f]{40})$/;

const number = (value: number) =>
  Number.isInteger(value) ? value.toLocaleString('en') : String(Number(value.toPrecision(5)));

const table = (head: [string, string], rows: [string, string][]) =>
  [head, ['---', '---:'], ...rows].map(([a, b]) => `| ${a} | ${b} |`).join('\n');

const metricsTable = (metrics: Metrics) =>
  table(
    ['metric', 'value'],
    Object.entries(metrics).map(([name, value]) => [name, number(value)]),
  );

/** YAML strings are quoted as JSON, which they are. */
function frontMatter({ licence, origin, transformers, config }: CardData): string {
  const base = HUB.exec(origin?.from ?? '')?.[1];
  const task = config.use === 'encoder-decoder' ? 'translation' : 'text-generation';
  const tags = [task, ...(isConverted(config) ? ['t2r', 'linear-attention', 'rnn'] : [])];
  const lines = [
    ...(licence === undefined ? [] : [`license: ${JSON.stringify(licence)}`]),
    ...(base === undefined ? [] : [`base_model: ${JSON.stringify(base)}`]),
    `library_name: ${transformers === undefined ? 't2r' : 'transformers'}`,
    `pipeline_tag: ${task}`,
    `tags: [${tags.join(', ')}]`,
  ];
  return `---\n${lines.join('\n')}\n---`;
}

/** Attention of the layers by place. */
function placesOf(config: ModelConfig): { title: string; layers: ModelConfig['attention'] }[] {
  if (config.use === 'decoder-lm') return [{ title: 'attention', layers: config.attention }];
  return [
    { title: 'self-attention', layers: config.attention },
    { title: 'cross-attention', layers: config.cross },
  ];
}

const isConverted = (config: ModelConfig) =>
  placesOf(config).some(({ layers }) => layers.some(({ use }) => !use.startsWith('softmax')));

/** `t2r-mlp (features 32)`. */
function attentionName({ use, ...options }: ModelConfig['attention'][number]): string {
  const { features, window } = options;
  const shown = Object.entries({ features, window }).filter(([, value]) => value !== undefined);
  return shown.length === 0 ? use : `${use} (${shown.map(([key, value]) => `${key} ${value}`).join(', ')})`;
}

/** Neighbouring layers with the same attention on one line; of an encoder-decoder those of the decoder. */
function layerTable(config: ModelConfig): string {
  const places = placesOf(config);
  const rows: { from: number; to: number; name: string }[] = [];
  for (const layer of config.attention.keys()) {
    const name = places.map(({ layers }) => attentionName(layers[layer]!)).join(' | ');
    const last = rows.at(-1);
    if (last?.name === name) last.to = layer;
    else rows.push({ from: layer, to: layer, name });
  }
  return [
    `| layers | ${places.map(({ title }) => title).join(' | ')} |`,
    `| --- | ${places.map(() => '---').join(' | ')} |`,
    ...rows.map(({ from, to, name }) => `| ${from === to ? from : `${from} to ${to}`} | ${name} |`),
  ].join('\n');
}

function originSection({ origin }: CardData): string[] {
  if (origin?.from === undefined) return [];
  const hub = HUB.exec(origin.from);
  const what = hub ? `[${hub[1]}](https://huggingface.co/${hub[1]}), commit \`${hub[2]}\`` : `\`${origin.from}\``;
  const hashes = Object.entries(origin.sha256 ?? {}).map(([file, hash]) => `- \`${file}\`: SHA-256 \`${hash}\``);
  return ['## Source', `The weights were loaded from ${what}:`, hashes.join('\n')];
}

function trainingSection({ step }: CardData): string[] {
  const { id, use, metrics } = step;
  // Loading changes nothing; where from stands above.
  if (use === 'zoo/load' || Object.keys(metrics).length === 0) return [];
  return ['## How it was made', `By the step \`${id}\` (\`${use}\`):`, metricsTable(metrics)];
}

function evaluationSection({ evaluations }: CardData): string[] {
  const shown = evaluations.filter(({ metrics }) => Object.keys(metrics).length > 0);
  if (shown.length === 0) return [];
  return [
    '## Evaluation',
    ...shown.flatMap(({ metrics, protocols }) => [
      metricsTable(metrics),
      ...(protocols.length === 0 ? [] : [protocols.map((text) => `- \`${text}\``).join('\n')]),
    ]),
  ];
}

const TOKENIZER_LINES = {
  AutoTokenizer: 'tokenizer = AutoTokenizer.from_pretrained("path/to/folder")',
  sentencepiece: 'tokenizer = sentencepiece.SentencePieceProcessor(model_file="path/to/folder/tokenizer.model")',
};

function loadingSection({ transformers, name, tokenizer, config }: CardData): string[] {
  if (transformers !== undefined) {
    const python = [
      ...(tokenizer === 'sentencepiece' ? ['import sentencepiece'] : []),
      `from transformers import ${tokenizer === 'AutoTokenizer' ? 'AutoTokenizer, ' : ''}${transformers}`,
      '',
      `model = ${transformers}.from_pretrained("path/to/folder")`,
      ...(tokenizer === undefined ? [] : [TOKENIZER_LINES[tokenizer]]),
    ];
    return [
      '## Loading',
      `\`\`\`python\n${python.join('\n')}\n\`\`\``,
      'Or as the step `{ use: zoo/load, from: path/to/folder }` of a recipe.',
    ];
  }
  const command =
    config.use === 'encoder-decoder'
      ? 'npx t2r translate path/to/folder < sentences.txt'
      : 'npx t2r generate path/to/folder --prompt "The"';
  return [
    '## Loading',
    `In this format ${name} is loaded by T2R: \`${command}\`, or as the step \`{ use: zoo/load, from: path/to/folder }\` of a recipe.`,
  ];
}

/** What the model is, where it is none of T2R. */
const PLAIN = {
  'decoder-lm': 'A decoder-only transformer language model.',
  'encoder-decoder': 'A transformer that translates, with an encoder and a decoder.',
};

/** The rows that tell its size. */
function sizeRows(config: ModelConfig): [string, string][] {
  if (config.use === 'decoder-lm')
    return [
      ['layers, width, heads', `${config.layers}, ${config.dim}, ${config.heads}`],
      ['vocabulary', number(config.vocab)],
    ];
  const { encoder, decoder, dim, vocab, sourceVocab } = config;
  return [
    ['encoder: layers, width, heads', `${encoder.layers}, ${dim}, ${encoder.heads}`],
    ['decoder: layers, width, heads', `${decoder.layers}, ${dim}, ${decoder.heads}`],
    ...(sourceVocab === undefined ? [] : [['vocabulary of sources', number(sourceVocab)] satisfies [string, string]]),
    ['vocabulary', number(vocab)],
  ];
}

/** README.md of a model, with YAML front matter. */
export function modelCard(data: CardData): string {
  const { name, config, parameters, stateBytes, licence } = data;
  const converted = isConverted(config);
  const ofSource = config.use === 'encoder-decoder' ? ', source as long' : '';
  const sections = [
    frontMatter(data),
    `# ${name}`,
    converted
      ? `A transformer whose attention was replaced by linear attention, so that it ${config.use === 'encoder-decoder' ? 'translates' : 'generates'} as a recurrent network ([Kasai et al. 2021](https://arxiv.org/abs/2103.13076)).`
      : PLAIN[config.use],
    table(
      ['', ''],
      [
        ['parameters', number(parameters)],
        ...sizeRows(config),
        [`state of a sequence at position ${number(config.maxPositions)}${ofSource}`, `${number(stateBytes)} bytes`],
        ['licence', licence ?? 'not stated'],
      ],
    ),
    config.use === 'encoder-decoder' ? '## Layers of the decoder' : '## Layers',
    layerTable(config),
    ...originSection(data),
    ...trainingSection(data),
    ...evaluationSection(data),
    ...loadingSection(data),
  ];
  return `${sections.join('\n\n')}\n`;
}
