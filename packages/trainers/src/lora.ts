/**
 * Low-rank adaptation, LoRA (Hu et al. 2021, arXiv 2106.09685, section 4.1): a matrix W [in, out] stays as it is, and
 *
 *     W + alpha / rank * A B,   A [in, rank], B [rank, out]
 *
 * is used in its place with A and B trained. B starts as zero. The checkpoint that training leaves holds the sum, so that
 * nothing after it needs to know of adapters.
 */
import { UserError } from '@t2r/core';
import type { HostTensor, TensorMap } from '@t2r/engine';
import { initialParameter, type Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { checkMatches, matcher, type ParameterSpec, patternList } from './parameter-patterns.js';

export const loraOption = z
  .strictObject({
    match: patternList.describe('Patterns of the matrices that get adapters, e.g. ["layers.*.attention.q.weight"].'),
    rank: z.int().positive().default(8).describe('Columns of A and rows of B.'),
    alpha: z.number().positive().default(16).describe('The product A B is multiplied by alpha / rank.'),
  })
  .describe(
    'Train low-rank adapters of these matrices; other parameters are trained only where `train` names them. Default: no adapters.',
  );

export type LoraOptions = z.output<typeof loraOption>;

export interface Adapters {
  /** The adapters' own parameters: `lora/<matrix>.a` and `lora/<matrix>.b`. */
  parameters: ParameterSpec[];
  /** Their initial values. */
  initial(seed: number): Record<string, HostTensor>;
  /** Parameters with every adapted matrix in the place of the original. */
  apply(values: TensorMap): TensorMap;
  /** The same on the host; `read` gives the adapters' values. */
  merge(weights: Weights, read: (name: string) => Float32Array): Weights;
}

const partName = (matrix: string, part: 'a' | 'b') => `lora/${matrix}.${part}`;

/** The adapters of the matrices that match. @throws UserError where a pattern matches nothing, or what is no matrix */
export function createAdapters(parameters: readonly ParameterSpec[], { match, rank, alpha }: LoraOptions): Adapters {
  const names = parameters.map(({ name }) => name);
  for (const pattern of match) checkMatches('lora.match', pattern, names, 'parameter');
  const tests = match.map(matcher);
  const adapted = parameters.filter(({ name }) => tests.some((matches) => matches(name)));
  const unfit = adapted.find(({ shape }) => shape.length !== 2);
  if (unfit !== undefined)
    throw new UserError(
      `lora.match: ${unfit.name} has shape [${unfit.shape.join(', ')}], and only matrices can be adapted`,
      {
        hint: 'Match weights only, e.g. "layers.*.attention.q.weight".',
      },
    );
  const own = adapted.flatMap(({ name, shape: [rows, columns] }): ParameterSpec[] => [
    // The bound of PyTorch's Linear, which the released code starts A with.
    { name: partName(name, 'a'), shape: [rows!, rank], init: { kind: 'uniform', bound: rows! ** -0.5 } },
    { name: partName(name, 'b'), shape: [rank, columns!], init: { kind: 'zeros' } },
  ]);
  const factor = alpha / rank;
  return {
    parameters: own,
    initial: (seed) =>
      Object.fromEntries(own.map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, seed) }])),
    apply(values) {
      const merged = adapted.map(({ name }) => {
        const change = tf.matMul(
          values[partName(name, 'a')]! as tf.Tensor2D,
          values[partName(name, 'b')]! as tf.Tensor2D,
        );
        return [name, tf.add(values[name]!, tf.mul(change, factor))] as const; // [in, out]
      });
      return { ...values, ...Object.fromEntries(merged) };
    },
    merge(weights, read) {
      const merged = adapted.map(({ name, shape }) => {
        const [rows, columns] = shape as [number, number];
        const a = read(partName(name, 'a'));
        const b = read(partName(name, 'b'));
        const data = weights[name]!.data.slice();
        for (let i = 0; i < rows; i++)
          for (let k = 0; k < rank; k++) {
            const left = factor * a[i * rank + k]!;
            for (let j = 0; j < columns; j++) data[i * columns + j]! += left * b[k * columns + j]!;
          }
        return [name, { shape, data }] as const;
      });
      return { ...weights, ...Object.fromEntries(merged) };
    },
  };
}
