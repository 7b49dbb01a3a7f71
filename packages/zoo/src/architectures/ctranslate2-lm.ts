/**
 * Decoder-only models of CTranslate2 (TransformerDecoderSpec), as OpenNMT-py's language models become them. What the model
 * is like is written in scalars among the tensors; the configuration beside them names the special tokens and, rarely, the
 * epsilon of norms. Source: CTranslate2's src/layers/transformer.cc and common.cc.
 */
import { UserError } from '@t2r/core';
import { type LmConfig, type Sinusoids, sinusoidalTable } from '@t2r/models';
import { linearRules, type NameMap, normRules } from './names.js';
import { PLAIN, softmaxLayers, unsupported } from './options.js';
import { rows, transposed } from './transforms.js';
import type { Architecture, TensorReader } from './types.js';

const NAME = 'TransformerDecoderSpec';
const TOKENS = 'decoder/embeddings/weight';
const ENCODINGS = 'decoder/position_encodings/encodings';
const OUTPUT = 'decoder/projection/weight';

/** By the numbers of CTranslate2's ActivationType. */
const ACTIVATIONS: readonly (LmConfig['activation'] | undefined)[] = ['relu', 'gelu-new', 'silu', 'gelu'];

/** The scalars that tell of attention and of text alignments, with the values that this project's models have. */
const PLAIN_FLAGS: Record<string, readonly number[]> = {
  'decoder/alibi': [0],
  'decoder/start_from_zero_embedding': [0],
  'decoder/sliding_window': [0],
};

const IGNORED = [
  'decoder/activation',
  'decoder/num_heads',
  'decoder/pre_norm',
  'decoder/scale_embeddings',
  'decoder/embeddings/multiply_by_sqrt_depth',
  'decoder/alibi_use_positive_positions',
  'decoder/scale_alibi',
  'decoder/alignment_heads',
  'decoder/alignment_layer',
  ...Object.keys(PLAIN_FLAGS),
];

const RULES: NameMap['rules'] = [
  { ours: 'embed.weight', theirs: TOKENS },
  { ours: 'positions.weight', theirs: ENCODINGS },
  ...normRules('layers.{n}.norm1', 'decoder/layer_{n}/self_attention/layer_norm/', ['gamma', 'beta']),
  ...slashed(
    ['q', 'k', 'v'].map((name) => `layers.{n}.attention.${name}`),
    'decoder/layer_{n}/self_attention/linear_0',
  ),
  ...slashed(['layers.{n}.attention.out'], 'decoder/layer_{n}/self_attention/linear_1'),
  ...normRules('layers.{n}.norm2', 'decoder/layer_{n}/ffn/layer_norm/', ['gamma', 'beta']),
  ...slashed(['layers.{n}.fc1'], 'decoder/layer_{n}/ffn/linear_0'),
  ...slashed(['layers.{n}.fc2'], 'decoder/layer_{n}/ffn/linear_1'),
  ...normRules('final_norm', 'decoder/layer_norm/', ['gamma', 'beta']),
  { ours: 'output.weight', theirs: OUTPUT, as: transposed },
  { ours: 'output.bias', theirs: 'decoder/projection/bias' },
];

/** The rules of a linear layer, or of several that are stacked, with CTranslate2's separator. */
function slashed(ours: readonly string[], theirs: string) {
  return linearRules(ours, theirs, rows()).map((rule) => ({
    ...rule,
    theirs: rule.theirs.replace(/\.(weight|bias)$/, '/$1'),
  }));
}

async function scalar(reader: TensorReader, name: string, absent: number): Promise<number> {
  if (!reader.entries.has(name)) return absent;
  return (await reader.read(name)).data[0]!;
}

/** Half precision keeps 11 bits; a table that differs by more is not the formula's. */
const TOLERANCE = 2 ** -10;

/** Whether stored encodings [length, dim] are sinusoids, and of which flavour; undefined where they are others. */
function flavourOf(table: ArrayLike<number>, [length, dim]: readonly number[]): Sinusoids | undefined {
  return (['vaswani', 'tensor2tensor', 'marian'] as const).find((flavour) => {
    const expected = sinusoidalTable(length!, dim!, { flavour });
    return expected.every((value, i) => Math.abs(value - table[i]!) <= TOLERANCE);
  });
}

/** Positions: encodings that are stored are learned ones, or sinusoids by their formula; without any, sinusoids from 1 on. */
async function positionsOf(
  reader: TensorReader,
): Promise<Pick<LmConfig, 'positions' | 'maxPositions' | 'positionOffset' | 'sinusoids'>> {
  const shape = reader.entries.get(ENCODINGS)?.shape;
  if (shape === undefined) return { positions: 'sinusoidal', maxPositions: 1024, positionOffset: 1 };
  const sinusoids = flavourOf((await reader.read(ENCODINGS)).data, shape);
  if (sinusoids === undefined) return { positions: 'learned', maxPositions: shape[0]! };
  return { positions: 'sinusoidal', maxPositions: shape[0]!, sinusoids };
}

/** The factor of embeddings is a flag, or a number. */
async function scalesEmbedding(reader: TensorReader, dim: number): Promise<boolean> {
  const name = 'decoder/scale_embeddings';
  const value = await scalar(reader, name, 1);
  if (value === 0 || value === 1) return reader.entries.get(name)?.dtype.startsWith('F') ? false : value === 1;
  if (Math.abs(value - Math.sqrt(dim)) > 1e-3 * value) unsupported(NAME, name, value);
  return true;
}

async function readConfig(layer_norm_epsilon: unknown, reader: TensorReader): Promise<LmConfig> {
  for (const [name, values] of Object.entries(PLAIN_FLAGS)) {
    const value = await scalar(reader, name, 0);
    if (!values.includes(value)) unsupported(NAME, name, value);
  }
  const shapeOf = (name: string) => {
    const shape = reader.entries.get(name)?.shape;
    if (shape === undefined) throw new UserError(`${reader.path}: the tensor ${name} is missing`);
    return shape;
  };
  const [vocab, dim] = shapeOf(TOKENS) as [number, number];
  let layers = 0;
  while (reader.entries.has(`decoder/layer_${layers}/ffn/linear_0/weight`)) layers++;
  const activation = await scalar(reader, 'decoder/activation', 0);
  const known = ACTIVATIONS[activation];
  if (known === undefined) unsupported(NAME, 'decoder/activation', activation);
  return {
    ...PLAIN,
    vocab,
    layers,
    dim,
    heads: await scalar(reader, 'decoder/num_heads', 8),
    ffn: shapeOf('decoder/layer_0/ffn/linear_0/weight')[0]!,
    activation: known!,
    norm: (await scalar(reader, 'decoder/pre_norm', 1)) === 1 ? 'pre' : 'post',
    ...(!reader.entries.has('decoder/layer_norm/gamma') && { finalNorm: false }),
    ...(await positionsOf(reader)),
    scaleEmbedding: await scalesEmbedding(reader, dim),
    tieOutput: reader.entries.get(OUTPUT)?.tiedTo === TOKENS,
    ...(reader.entries.has('decoder/projection/bias') && { outputBias: true }),
    normEpsilon: typeof layer_norm_epsilon === 'number' ? layer_norm_epsilon : 1e-5,
    dropout: 0,
    initStd: 0.02,
    attention: softmaxLayers(layers),
  };
}

export const ctranslate2Lm: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches: ({ spec }) => spec === NAME,
  read({ layer_norm_epsilon }, reader) {
    if (reader === undefined) throw new UserError(`${NAME}: the configuration is among the tensors`);
    return readConfig(layer_norm_epsilon, reader);
  },
  names: ({ positions, tieOutput }) => ({
    rules: RULES,
    ignored: [...IGNORED, ...(positions === 'sinusoidal' ? [ENCODINGS] : [])],
    ...(tieOutput && { tied: [{ name: OUTPUT, of: TOKENS, written: true }] }),
  }),
};
