/** Names, shapes and initial values of a language model's parameters. */
import type { Attention, Initializer, ParameterSpec } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { adaptiveParameters } from './adaptive.js';
import type { LanguageModel, LmConfig, Weights } from './types.js';

/** All parameters of a decoder-only language model, in a fixed order. */
export function decoderLmParameters(config: LmConfig, attention: readonly Attention[]): ParameterSpec[] {
  const { vocab, dim, heads, ffn, norm, positions, maxPositions, tieOutput, initStd, scaleEmbedding } = config;
  const { adaptive, finalNorm = true } = config;
  const matrix = (name: string, shape: number[], std = initStd): ParameterSpec => ({
    name,
    shape,
    init: { kind: 'normal', std },
  });
  const vector = (name: string, length: number, kind: 'zeros' | 'ones'): ParameterSpec => ({
    name,
    shape: [length],
    init: { kind },
    decay: false,
  });
  const affine = (name: string, from: number, to: number) => [
    matrix(`${name}.weight`, [from, to]),
    vector(`${name}.bias`, to, 'zeros'),
  ];
  const layerNorm = (name: string) => [vector(`${name}.weight`, dim, 'ones'), vector(`${name}.bias`, dim, 'zeros')];

  const layers = attention.flatMap((variant, n) => {
    const layer = `layers.${n}`;
    return [
      ...layerNorm(`${layer}.norm1`),
      ...['q', 'k', 'v', 'out'].flatMap((name) => affine(`${layer}.attention.${name}`, dim, dim)),
      ...variant
        .parameters({ heads, headDim: dim / heads })
        .map((spec) => ({ ...spec, name: `${layer}.attention.${spec.name}` })),
      ...layerNorm(`${layer}.norm2`),
      ...affine(`${layer}.fc1`, dim, ffn),
      ...affine(`${layer}.fc2`, ffn, dim),
    ];
  });
  // Multiplied by sqrt(dim), such embeddings are as large as the sinusoids that are added to them.
  const wholeTable = () => matrix('embed.weight', [vocab, dim], scaleEmbedding ? dim ** -0.5 : initStd);
  return [
    ...(adaptive ? adaptiveParameters(config, adaptive) : [wholeTable()]),
    ...(positions === 'learned' ? [matrix('positions.weight', [maxPositions, dim])] : []),
    ...layers,
    ...(norm === 'pre' && finalNorm ? layerNorm('final_norm') : []),
    ...(tieOutput || adaptive ? [] : [matrix('output.weight', [dim, vocab])]),
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
export function initialWeights(model: LanguageModel, seed: number): Weights {
  return Object.fromEntries(
    model.parameters().map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, seed) }]),
  );
}
