/**
 * Rotation of pairs of numbers: what rotary positions do to queries and keys (Su et al. 2021, arXiv 2104.09864, Eq. 34).
 * Its gradient is the rotation back.
 */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

/**
 * Which numbers make a pair of the first 2n of a row: `halves` joins j and j + n (GPT-NeoX, LLaMA in transformers),
 * `interleaved` 2j and 2j + 1 (the paper, GPT-J, LLaMA's own code).
 */
export type RotaryPairs = 'halves' | 'interleaved';

/** The rotation in plain ops. */
function turnPlainly(x: tf.Tensor, sines: tf.Tensor, cosines: tf.Tensor, pairs: RotaryPairs): tf.Tensor {
  const [batch, heads, time, width] = x.shape as [number, number, number, number];
  const [rows, count] = sines.shape as [number, number];
  const place = (table: tf.Tensor) => (rows === time ? table : tf.reshape(table, [batch, 1, time, count]));
  const [sin, cos] = [place(sines), place(cosines)];
  const columns = (from: number, size: number) => tf.slice(x, [0, 0, 0, from], [batch, heads, time, size]);
  const single = [batch, heads, time, count];
  const [a, b] =
    pairs === 'halves'
      ? [columns(0, count), columns(count, count)]
      : tf.split(tf.reshape(columns(0, 2 * count), [...single, 2]), 2, 4).map((part) => tf.reshape(part, single));
  const turned = [tf.sub(tf.mul(a!, cos), tf.mul(b!, sin)), tf.add(tf.mul(b!, cos), tf.mul(a!, sin))];
  const joined = pairs === 'halves' ? turned : [tf.reshape(tf.stack(turned, 4), [batch, heads, time, 2 * count])];
  const rest = width === 2 * count ? [] : [columns(2 * count, width - 2 * count)];
  return tf.concat([...joined, ...rest], 3);
}

/** The named kernel, or the same in plain ops. */
function turn(x: tf.Tensor, sin: tf.Tensor, cos: tf.Tensor, pairs: RotaryPairs): tf.Tensor {
  const fused = runNamedKernel('Rotate', { x, sin, cos }, { interleaved: pairs === 'interleaved' });
  return fused?.[0] ?? turnPlainly(x, sin, cos, pairs);
}

/**
 * Pairs (a, b) of a row become (a cos - b sin, b cos + a sin). x [batch, heads, time, d], sin and cos [time, n] with 2n <= d,
 * or [batch * time, n] where every sequence has positions of its own; columns from 2n on stay as they are. No gradient flows
 * into sin and cos.
 */
export function rotate(x: tf.Tensor, sin: tf.Tensor, cos: tf.Tensor, pairs: RotaryPairs = 'halves'): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, s, c, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([s, c]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [ss, sc] = saved as [tf.Tensor, tf.Tensor];
      return [turn(dy, tf.neg(ss), sc, pairs), tf.zerosLike(ss), tf.zerosLike(sc)];
    };
    return { value: turn(xs, s, c, pairs), gradFunc };
  });
  return op(x, sin, cos);
}
