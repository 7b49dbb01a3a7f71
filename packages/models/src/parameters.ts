/** Names, shapes and initial values of a language model's parameters. */
import type { Attention, Initializer, ParameterSpec } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { adaptiveParameters } from './adaptive.js';
import { attentionShape, biasesOf, projectionWidths } from './architecture.js';
import { CROSS_NORM } from './block.js';
import { EMBEDDING_NORM, INPUT_PROJECTION, OUTPUT_PROJECTION } from './embed.js';
import { type Initialisation, initialisation } from './initialisation.js';
import type { LanguageModel, LmConfig, Weights } from './types.js';

/** All parameters of a decoder-only language model, in a fixed order; with cross-attention, those of a decoder that has it. */
export function decoderLmParameters(
  config: LmConfig,
  attention: readonly Attention[],
  cross?: readonly Attention[],
): ParameterSpec[] {
  const { vocab, dim, ffn, norm, positions, maxPositions, tieOutput, embeddingNorm } = config;
  const { adaptive, finalNorm = true, normKind, gated, outputBias, embedDim, positionOffset = 0 } = config;
  const { query, key } = projectionWidths(config);
  const biases = biasesOf(config);
  const start = initialisation(config);
  const matrix = (name: string, shape: number[], init: Initializer): ParameterSpec => ({ name, shape, init });
  const vector = (name: string, length: number, init: Initializer): ParameterSpec => ({
    name,
    shape: [length],
    init,
    decay: false,
  });
  const affine = (name: string, from: number, to: number, init: Initialisation['qkv'], bias: boolean) => [
    matrix(`${name}.weight`, [from, to], init.weight),
    ...(bias ? [vector(`${name}.bias`, to, init.bias)] : []),
  ];
  const layerNorm = (name: string) => [
    vector(`${name}.weight`, dim, { kind: 'ones' }),
    ...(normKind === 'rms' ? [] : [vector(`${name}.bias`, dim, { kind: 'zeros' })]),
  ];

  const attentionAt = (place: string, variant: Attention) => [
    ...affine(`${place}.q`, dim, query, start.qkv, biases.qkv),
    ...['k', 'v'].flatMap((name) => affine(`${place}.${name}`, dim, key, start.qkv, biases.qkv)),
    ...affine(`${place}.out`, query, dim, start.out, biases.out),
    ...variant.parameters(attentionShape(config)).map((spec) => ({ ...spec, name: `${place}.${spec.name}` })),
  ];

  const layers = attention.flatMap((variant, n) => {
    const layer = `layers.${n}`;
    return [
      ...layerNorm(`${layer}.norm1`),
      ...attentionAt(`${layer}.attention`, variant),
      ...(cross ? [...layerNorm(`${layer}.${CROSS_NORM}`), ...attentionAt(`${layer}.cross`, cross[n]!)] : []),
      ...layerNorm(`${layer}.norm2`),
      ...(gated ? affine(`${layer}.gate`, dim, ffn, start.fc1, biases.ffn) : []),
      ...affine(`${layer}.fc1`, dim, ffn, start.fc1, biases.ffn),
      ...affine(`${layer}.fc2`, ffn, dim, start.fc2, biases.ffn),
    ];
  });
  const width = embedDim ?? dim;
  return [
    ...(adaptive ? adaptiveParameters(config, adaptive) : [matrix('embed.weight', [vocab, width], start.embedding)]),
    ...(embedDim === undefined ? [] : [matrix(INPUT_PROJECTION, [embedDim, dim], start.output)]),
    ...(positions === 'learned'
      ? [matrix('positions.weight', [maxPositions + positionOffset, dim], start.positions)]
      : []),
    ...(embeddingNorm ? layerNorm(EMBEDDING_NORM) : []),
    ...layers,
    ...(norm === 'pre' && finalNorm ? layerNorm('final_norm') : []),
    ...(embedDim === undefined ? [] : [matrix(OUTPUT_PROJECTION, [dim, embedDim], start.output)]),
    ...(tieOutput || adaptive ? [] : [matrix('output.weight', [width, vocab], start.output)]),
    ...(outputBias ? [vector('output.bias', vocab, { kind: 'zeros' })] : []),
  ];
}

/** Initial values of one parameter: a pure function of its specification, its name included, and the seed. */
export function initialParameter({ name, shape, init }: ParameterSpec, seed: number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (init.kind === 'identity') return fillIdentity(values, shape);
  return fill(values, init, seed, name);
}

/** Ones on the diagonal of every matrix in the last two axes. */
function fillIdentity(values: Float32Array, shape: readonly number[]): Float32Array {
  const [rows, columns] = shape.slice(-2) as [number, number];
  for (let matrix = 0; matrix < values.length; matrix += rows * columns) {
    for (let i = 0; i < Math.min(rows, columns); i++) values[matrix + i * columns + i] = 1;
  }
  return values;
}

type ElementInitializer = Exclude<Initializer, { kind: 'identity' }>;

function fill(values: Float32Array, init: ElementInitializer, seed: number, name: string): Float32Array {
  if (init.kind === 'zeros') return values;
  if (init.kind === 'ones') return values.fill(1);
  if (init.kind === 'constant') return values.fill(init.value);
  const random = createRandom(seed, 'parameter', name);
  const draw =
    init.kind === 'normal' ? () => init.std * random.normal() : () => init.bound * (2 * random.uniform() - 1);
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

/** Initial values of all parameters. Models that share parameter names and shapes share these values. */
export function initialWeights(model: Pick<LanguageModel, 'parameters'>, seed: number): Weights {
  return Object.fromEntries(
    model.parameters().map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, seed) }]),
  );
}
