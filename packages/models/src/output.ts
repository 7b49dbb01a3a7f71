/** The output layer: from hidden states to losses and scores, through one softmax over the whole vocabulary. */
import { crossEntropy, type DropoutSource, linear, meanLinearCrossEntropy, type TensorMap, toRows } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { adaptiveOutput } from './adaptive-output.js';
import { OUTPUT_PROJECTION } from './embed.js';
import { rowShares } from './loss.js';
import type { LmConfig } from './types.js';

export interface TrainingLossOptions {
  labelSmoothing: number;
  /** Weights of the n positions in the mean, in any shape. Default: all alike. */
  weights?: tf.Tensor;
  dropout?: DropoutSource;
}

export interface OutputLayer {
  /** hidden [..., dim] -> [..., vocab], scores whose softmax are the probabilities. */
  logits(hidden: tf.Tensor, parameters: TensorMap): tf.Tensor;
  /** Mean cross-entropy in nats: hidden [n, dim], targets [n] int32 -> a scalar. */
  trainingLoss(hidden: tf.Tensor, targets: tf.Tensor, parameters: TensorMap, options: TrainingLossOptions): tf.Tensor;
  /** -log p(target) a row, through log-softmax: exact for unlikely targets too. */
  negativeLogs(hidden: tf.Tensor, targets: tf.Tensor, parameters: TensorMap): tf.Tensor;
}

function softmaxOutput({ tieOutput, vocab, embedDim, outputBias }: LmConfig): OutputLayer {
  /** Down to the width of the token table, where that is another. */
  const narrow = (hidden: tf.Tensor, parameters: TensorMap) =>
    embedDim === undefined ? hidden : linear(hidden, parameters[OUTPUT_PROJECTION]!);
  const biasOf = (parameters: TensorMap) => (outputBias ? parameters['output.bias']! : undefined);

  function logits(hidden: tf.Tensor, parameters: TensorMap): tf.Tensor {
    const input = narrow(hidden, parameters);
    const bias = biasOf(parameters);
    if (!tieOutput) return linear(input, parameters['output.weight']!, bias);
    const rows = tf.matMul(toRows(input), parameters['embed.weight'] as tf.Tensor2D, false, true); // [rows, vocab]
    return tf.reshape(bias ? tf.add(rows, bias) : rows, [...hidden.shape.slice(0, -1), vocab]);
  }
  return {
    logits,
    trainingLoss(hidden, targets, parameters, { labelSmoothing, weights }) {
      const weight = tieOutput ? parameters['embed.weight']! : tf.transpose(parameters['output.weight']!); // [vocab, dim]
      const options = { labelSmoothing, bias: biasOf(parameters), shares: weights && rowShares(weights) };
      return meanLinearCrossEntropy(narrow(hidden, parameters), weight, targets, options);
    },
    negativeLogs: (hidden, targets, parameters) => crossEntropy(logits(hidden, parameters), targets),
  };
}

/** The output layer that a model's configuration asks for. */
export function createOutput(config: LmConfig): OutputLayer {
  return config.adaptive === undefined ? softmaxOutput(config) : adaptiveOutput(config, config.adaptive);
}
