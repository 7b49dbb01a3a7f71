/**
 * The adaptive softmax (Grave et al. 2017, arXiv 1609.04309) as Baevski & Auli 2019 tie it to adaptive inputs: a head over
 * the tokens of band 0 and one cluster for each band after it, and a tail for each cluster,
 *
 *     log p(w) = log softmax(head)[w]                                          w in band 0
 *     log p(w) = log softmax(head)[cluster i] + log softmax(tail_i)[w]         w in band i
 *
 * head = h [table_0 | clusters], tail_i = dropout(h projection_i) table_i, without biases. Band 0's input projection is not
 * part of the head.
 *
 * Shapes in a compiled graph are fixed, so tails are computed for all rows and masked: sum of size * width multiply-adds
 * a token. With WikiText-103's bands that is 44 million, a sixth of a whole softmax's 274 million; gathering each tail's
 * rows first could save up to 24 of the 44. And as many activations as a whole softmax has, one a token of the vocabulary.
 */
import { UserError } from '@t2r/core';
import { crossEntropy, type DropoutSource, linearCrossEntropy, type TensorMap, toRows } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import {
  type Band,
  CLUSTERS,
  inputProjection,
  inputTable,
  outputProjection,
  outputTable,
  tiesOf,
  vocabularyBands,
  withinBand,
} from './adaptive.js';
import { drop } from './block.js';
import { meanLoss } from './loss.js';
import type { OutputLayer } from './output.js';
import type { AdaptiveConfig, LmConfig } from './types.js';

type RowLosses = (hidden: tf.Tensor, table: tf.Tensor, targets: tf.Tensor) => tf.Tensor;

/** h [n, width] times a table [size, width], transposed -> [n, size]. */
const scores = (hidden: tf.Tensor, table: tf.Tensor) =>
  tf.matMul(hidden as tf.Tensor2D, table as tf.Tensor2D, false, true);

/** The adaptive output layer. Its `logits` are log-probabilities. */
export function adaptiveOutput(config: LmConfig, adaptive: AdaptiveConfig): OutputLayer {
  const { vocab, dim } = config;
  const [first, ...tails] = vocabularyBands(adaptive, vocab, dim) as [Band, ...Band[]];
  const tied = tiesOf(config);
  const tableOf = ({ index }: Band, parameters: TensorMap) =>
    parameters[(tied.tables ? inputTable : outputTable)(index)]!;

  /** Table of the head: band 0's tokens, then one row a cluster, [size_0 + tails, dim]. */
  const headTable = (parameters: TensorMap) =>
    tf.concat([tableOf(first, parameters), tf.transpose(parameters[CLUSTERS]!)], 0);

  /** hidden [n, dim] -> [n, width of the band], dropped out in training. */
  function narrow(hidden: tf.Tensor, { index }: Band, parameters: TensorMap, source?: DropoutSource): tf.Tensor {
    const narrowed = tied.projections
      ? scores(hidden, parameters[inputProjection(index)]!)
      : tf.matMul(hidden as tf.Tensor2D, parameters[outputProjection(index)] as tf.Tensor2D);
    return drop(narrowed, source, adaptive.dropout);
  }

  /** -log p(target) of every row [n]: that of the token or cluster in the head, and of the token in its tail. */
  function losses(
    hidden: tf.Tensor,
    targets: tf.Tensor,
    parameters: TensorMap,
    lossOf: RowLosses,
    source?: DropoutSource,
  ): tf.Tensor {
    const input = drop(hidden, source, adaptive.dropout);
    let headTargets = tf.minimum(targets, tf.scalar(first.size, 'int32')); // clusters follow the tokens
    for (const { from } of tails.slice(1)) {
      headTargets = tf.add(headTargets, tf.cast(tf.greaterEqual(targets, tf.scalar(from, 'int32')), 'int32'));
    }
    const terms = [lossOf(input, headTable(parameters), headTargets)];
    for (const band of tails) {
      const { local, inside } = withinBand(targets, band);
      const ofTail = lossOf(narrow(input, band, parameters, source), tableOf(band, parameters), local);
      terms.push(tf.mul(ofTail, inside));
    }
    return tf.addN(terms);
  }

  return {
    logits(hidden, parameters) {
      const rows = toRows(hidden); // [n, dim]
      const head = tf.logSoftmax(scores(rows, headTable(parameters))); // [n, size_0 + tails]
      const [words, ...clusters] = tf.split(head, [first.size, ...tails.map(() => 1)], 1) as [
        tf.Tensor,
        ...tf.Tensor[],
      ];
      const ofTails = tails.map((band, i) => {
        const tail = scores(narrow(rows, band, parameters), tableOf(band, parameters)); // [n, size]
        return tf.add(tf.logSoftmax(tail), clusters[i]!);
      });
      return tf.reshape(tf.concat([words, ...ofTails], 1), [...hidden.shape.slice(0, -1), vocab]);
    },
    trainingLoss(hidden, targets, parameters, { labelSmoothing, dropout, weights }) {
      if (labelSmoothing > 0) {
        throw new UserError(`labelSmoothing: ${labelSmoothing} with an adaptive softmax`, {
          hint: 'Set labelSmoothing to 0, or leave out adaptive.',
        });
      }
      const lossOf: RowLosses = (h, table, ids) => linearCrossEntropy(h, table, ids);
      return meanLoss(losses(hidden, targets, parameters, lossOf, dropout), weights);
    },
    negativeLogs: (hidden, targets, parameters) =>
      losses(hidden, targets, parameters, (h, table, ids) => crossEntropy(scores(h, table), ids)),
  };
}
