/**
 * The vocabulary in bands (Baevski & Auli 2019, arXiv 1809.10853), for adaptive inputs and the adaptive softmax (Grave et
 * al. 2017, arXiv 1609.04309): tokens are sorted by frequency, band 0 holds the most frequent ones in the model's full
 * width, and each band after it is `factor` times narrower.
 */
import type { ParameterSpec } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { embedding, linear, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { glorot } from './initialisation.js';
import type { AdaptiveConfig, LmConfig } from './types.js';

/** Tokens `from` .. `from + size - 1`, in vectors of `width`. */
export interface Band {
  index: number;
  from: number;
  size: number;
  width: number;
}

/** Widths are dim / factor^index, rounded down. Throws UserError where the cutoffs do not fit the vocabulary or the width. */
export function vocabularyBands({ cutoffs, factor }: AdaptiveConfig, vocab: number, dim: number): Band[] {
  const borders = [0, ...cutoffs, vocab];
  if (borders.some((border, i) => i > 0 && border <= borders[i - 1]!)) {
    throw new UserError(`adaptive.cutoffs: ${cutoffs.join(', ')} do not divide a vocabulary of ${vocab} tokens`, {
      hint: 'Give rising token ids, the last one below the size of the vocabulary.',
    });
  }
  return borders.slice(0, -1).map((from, index) => {
    const width = Math.floor(dim / factor ** index);
    if (width < 1) {
      throw new UserError(`adaptive.factor: ${factor} leaves band ${index} of a model of dim ${dim} no width`, {
        hint: 'Choose a smaller factor or fewer cutoffs.',
      });
    }
    return { index, from, size: borders[index + 1]! - from, width };
  });
}

export const inputTable = (index: number) => `embed.bands.${index}.weight`;
export const inputProjection = (index: number) => `embed.bands.${index}.projection`;
export const outputTable = (index: number) => `output.bands.${index}.weight`;
export const outputProjection = (index: number) => `output.bands.${index}.projection`;
export const CLUSTERS = 'output.clusters.weight';

/** Which tensors of the input the output shares; projections can be shared only beside their tables. */
export function tiesOf({ tieOutput, adaptive }: LmConfig): { tables: boolean; projections: boolean } {
  return { tables: tieOutput, projections: tieOutput && adaptive?.tieProjections === true };
}

/** N(0, 1 / width) as fairseq draws tables. */
const table = (name: string, { size, width }: Band): ParameterSpec => ({
  name,
  shape: [size, width],
  init: { kind: 'normal', std: width ** -0.5 },
});

/** Glorot-uniform, as fairseq draws projections. */
const projection = (name: string, from: number, to: number): ParameterSpec => ({
  name,
  shape: [from, to],
  init: glorot(from, to),
});

/** Parameters of adaptive inputs and outputs: tables [size, width], projections [in, out], no biases. */
export function adaptiveParameters(config: LmConfig, adaptive: AdaptiveConfig): ParameterSpec[] {
  const { vocab, dim } = config;
  const bands = vocabularyBands(adaptive, vocab, dim);
  const tails = bands.slice(1);
  const tied = tiesOf(config);
  return [
    ...bands.flatMap((band) => [
      table(inputTable(band.index), band),
      projection(inputProjection(band.index), band.width, dim),
    ]),
    projection(CLUSTERS, dim, tails.length),
    ...(tied.tables ? [] : bands.map((band) => table(outputTable(band.index), band))),
    ...(tied.projections ? [] : tails.map(({ index, width }) => projection(outputProjection(index), dim, width))),
  ];
}

/** Ids counted from the band's first token, those outside it moved to its border; and 1 where an id is inside, else 0. */
export function withinBand(ids: tf.Tensor, { from, size }: Band): { local: tf.Tensor; inside: tf.Tensor } {
  const shifted = tf.sub(ids, tf.scalar(from, 'int32'));
  const local = tf.minimum(tf.maximum(shifted, tf.scalar(0, 'int32')), tf.scalar(size - 1, 'int32'));
  return { local, inside: tf.cast(tf.equal(shifted, local), 'float32') };
}

/**
 * Adaptive input embeddings: ids [...] -> [..., dim], each the row of its band's table through the band's projection.
 * Shapes in a compiled graph are fixed, so every band projects all positions and those outside it are masked: dim times
 * the sum of widths multiply-adds a token, little beside a layer.
 */
export function adaptiveEmbedding(
  ids: tf.Tensor,
  parameters: TensorMap,
  config: LmConfig,
  adaptive: AdaptiveConfig,
): tf.Tensor {
  const rows = vocabularyBands(adaptive, config.vocab, config.dim).map((band) => {
    const { local, inside } = withinBand(ids, band);
    const narrow = embedding(parameters[inputTable(band.index)]!, local); // [..., width]
    const masked = tf.mul(narrow, tf.expandDims(inside, -1));
    return linear(masked, parameters[inputProjection(band.index)]!); // [..., dim]
  });
  return tf.addN(rows);
}
