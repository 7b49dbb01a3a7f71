/** The mean softmax cross-entropy of an output projection, in chunks of rows, with its gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { lessAtTargets, negativeLogs, pickTargets } from './target-columns.js';

export interface MeanCrossEntropyOptions {
  labelSmoothing?: number;
  /** [V], added to the scores. */
  bias?: tf.Tensor;
  /** Share of every row in the loss, [n]. Default 1 / n each. */
  shares?: tf.Tensor;
  /** Rows whose scores are computed at once. Default by `chunkRows`. */
  rows?: number;
}

/** Scores of a chunk: 16 MB of them stay in a cache from product to softmax to gradient. */
const CHUNK_SCORES = 1 << 22;

/**
 * Rows of a chunk. Each adds its part to the gradient of the weight, three passes over [d, V] where its scores take about six
 * over [rows, V]: with twice as many rows as the width that is a quarter of them.
 */
export function chunkRows(rows: number, width: number, vocabulary: number): number {
  const most = Math.max(Math.floor(CHUNK_SCORES / vocabulary), 2 * width);
  return Math.ceil(rows / Math.ceil(rows / most));
}

/**
 * Mean cross-entropy of the output projection, sum_i shares_i loss_i in nats, of scores `hidden @ weight^T + bias` and
 * `(1 - e) * -log p(target) + e / V * sum_v -log p(v)` with e = labelSmoothing (Szegedy et al. 2016, arXiv 1512.00567).
 * hidden [n, d], weight [V, d], targets [n] int32 -> a scalar.
 *
 * The gradient is made together with the value, chunk by chunk: a chunk's softmax becomes the gradient of its scores in place
 * and is gone before the next chunk begins, so that at most [rows, V] numbers live, and none from forward to backward.
 */
export function meanLinearCrossEntropy(
  hidden: tf.Tensor,
  weight: tf.Tensor,
  targets: tf.Tensor,
  options: MeanCrossEntropyOptions = {},
): tf.Scalar {
  const { labelSmoothing = 0, bias, shares } = options;
  // A column of ones meets the bias: one product more in the width of the model.
  if (bias !== undefined) {
    const ones = tf.ones([hidden.shape[0]!, 1]);
    const column = tf.reshape(bias, [weight.shape[0]!, 1]);
    const [wider, longer] = [tf.concat([hidden, ones], 1), tf.concat([weight, column], 1)];
    return meanLinearCrossEntropy(wider, longer, targets, { ...options, bias: undefined });
  }
  const [n, width] = hidden.shape as [number, number];
  const vocabulary = weight.shape[0]!;
  const rows = options.rows ?? chunkRows(n, width, vocabulary);
  const column = shares ? tf.reshape(shares, [n, 1]) : tf.fill([n, 1], 1 / n);
  const smooth = labelSmoothing / vocabulary;

  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [h, w, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const losses: tf.Tensor[] = [];
    const hiddenGradients: tf.Tensor2D[] = [];
    let weightGradient: tf.Tensor2D | undefined; // [d, V]
    const wordSum = labelSmoothing === 0 ? undefined : tf.sum<tf.Tensor2D>(w, 0, true); // [1, d]
    for (let from = 0; from < n; from += rows) {
      const count = Math.min(rows, n - from);
      const start = weightGradient && after(hiddenGradients.at(-1)!, weightGradient);
      const part = chunk({ hidden: h, weight: w, wordSum, from, count, start });
      losses.push(part.loss);
      hiddenGradients.push(part.dHidden);
      weightGradient = weightGradient ? tf.add(weightGradient, part.dWeight) : part.dWeight;
    }
    save([tf.concat(hiddenGradients, 0), tf.transpose(weightGradient!)]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy));
    return { value: tf.addN(losses) as tf.Scalar, gradFunc };
  });
  return op(hidden, weight) as tf.Scalar;

  /** Loss and gradients of `count` rows. */
  function chunk({ hidden: h, weight: w, wordSum, from, count, start }: ChunkOptions) {
    const slice = tf.slice(h, [from, 0], [count, width]);
    const own = start ? (tf.add(slice, start) as tf.Tensor2D) : slice; // [c, d]
    const at = tf.slice(targets, [from], [count]) as tf.Tensor1D;
    const share = tf.slice(column, [from, 0], [count, 1]); // [c, 1]
    const probabilities = tf.softmax(tf.matMul(own, w, false, true)) as tf.Tensor2D; // [c, V]
    const picked = pickTargets(probabilities, at); // [c, 1]
    const nll = negativeLogs(picked);
    const all = wordSum ? smoothedLosses(nll, { hidden: own, weight: w, wordSum, targets: at, labelSmoothing }) : nll;
    // Transposed before it is scaled, so that no product takes the transpose over: ONNX Runtime's Gemm would transpose it anew for each
    // 128 columns of the result (measured).
    const scaled = tf.mul(tf.transpose(own), tf.reshape(share, [1, count])) as tf.Tensor2D; // [d, c]
    const dScores = lessAtTargets(probabilities, at, picked, 1 - labelSmoothing); // [c, V], before shares and the uniform part
    let dHidden = tf.matMul(dScores, w) as tf.Tensor2D; // [c, d]
    // [d, V] rather than [V, d]: its transpose, once, costs less than products with the transpose of the scores (measured).
    let dWeight = batchProduct(scaled, dScores);
    if (wordSum) {
      dHidden = tf.sub(dHidden, tf.mul(wordSum, smooth));
      dWeight = tf.sub(dWeight, tf.mul(tf.sum(scaled, 1, true), smooth));
    }
    return { loss: tf.sum(tf.mul(all, share)), dHidden: tf.mul(dHidden, share) as tf.Tensor2D, dWeight };
  }
}

/**
 * a [m, k] @ b [k, n] as a batch of one: ONNX Runtime joins a Gemm and the transpose after it to one product with the transpose of b,
 * which takes a quarter longer where m = 768, k = 1024 and n = 50257 (measured).
 */
function batchProduct(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const [left, right] = [a, b].map((x) => tf.reshape(x, [1, ...x.shape])) as [tf.Tensor, tf.Tensor];
  return tf.reshape(tf.matMul(left, right), [a.shape[0], b.shape[1]]);
}

interface ChunkOptions {
  /** [n, d] */
  hidden: tf.Tensor2D;
  /** [V, d] */
  weight: tf.Tensor2D;
  /** Sum of the weight's rows, [1, d], for label smoothing. */
  wordSum?: tf.Tensor2D;
  /** Rows of the chunk. */
  from: number;
  count: number;
  /** 0, added to their hidden states. */
  start?: tf.Tensor;
}

interface SmoothedScores {
  /** [n, d] */
  hidden: tf.Tensor2D;
  /** [V, d]; scores are hidden @ weight^T. */
  weight: tf.Tensor2D;
  /** Sum of its rows, [1, d]. */
  wordSum: tf.Tensor2D;
  /** [n] int32 */
  targets: tf.Tensor1D;
  labelSmoothing: number;
}

/**
 * Losses with label smoothing [n, 1] from those without, with no pass over [n, V]:
 * sum_v -log p(v) = V * logsumexp - h . sum_v w_v, and logsumexp = logit(target) + nll.
 */
function smoothedLosses(
  nll: tf.Tensor,
  { hidden, weight, wordSum, targets, labelSmoothing }: SmoothedScores,
): tf.Tensor {
  const targetLogit = tf.sum(tf.mul(hidden, tf.gather(weight, targets)), -1, true); // [n, 1]
  const logSumExp = tf.add(targetLogit, nll); // [n, 1]
  const logitSum = tf.matMul(hidden, wordSum, false, true); // [n, 1]
  const uniform = tf.sub(tf.mul(logSumExp, labelSmoothing), tf.mul(logitSum, labelSmoothing / weight.shape[0]));
  return tf.add(tf.mul(nll, 1 - labelSmoothing), uniform);
}

/** 0, known only when both are: what it is added to comes after them, and their tables of scores are free by then. */
function after(...tensors: tf.Tensor2D[]): tf.Tensor {
  return tf.mul(tf.addN(tensors.map((each) => tf.slice(each, [0, 0], [1, 1]))), 0); // [1, 1]
}
