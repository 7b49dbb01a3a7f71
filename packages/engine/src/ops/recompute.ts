/**
 * Trading time for memory (Chen et al. 2016, arXiv 1604.06174): a part of a model keeps its input alone from the forward to
 * the backward pass, which computes the rest again.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../types.js';

/** Passes draws on and keeps them in `drawn`. */
function recording(source: DropoutSource, drawn: tf.Tensor[]): DropoutSource {
  const keep = (tensor: tf.Tensor) => {
    drawn.push(tensor);
    return tensor;
  };
  const mask = (shape: readonly number[], rate: number) => keep(source.mask(shape, rate));
  return {
    mask,
    integers: (count, bound) => keep(source.integers(count, bound)),
    dropout: (x, rate) => (rate === 0 ? x : tf.mul(x, mask(x.shape, rate))),
  };
}

/** Gives recorded draws again, in their order. */
function replaying(drawn: readonly tf.Tensor[]): DropoutSource {
  let next = 0;
  const mask = () => drawn[next++]!;
  return { mask, integers: mask, dropout: (x, rate) => (rate === 0 ? x : tf.mul(x, mask())) };
}

/**
 * x, as a value that a compiled graph can have only once `dy` is known: without that, what is computed again from x would be
 * the same nodes as in the forward pass, or would be scheduled there.
 */
function after(x: tf.Tensor, dy: tf.Tensor): tf.Tensor {
  const first = tf.reshape(tf.slice(tf.reshape(dy, [dy.size]), [0], [1]), []);
  return tf.add(x, tf.mul(first, 0));
}

/**
 * Gradients of f by xs, asked for inside the backward pass of other ones: TensorFlow.js has one tape and drops it at the end of
 * every gradient.
 */
function innerGradients(f: () => tf.Tensor, xs: tf.Tensor[], dy: tf.Tensor): (tf.Tensor | undefined)[] {
  const { state } = tf.engine();
  const { activeTape } = state;
  try {
    return tf.engine().gradients(f, xs, dy, true).grads;
  } finally {
    state.activeTape = activeTape;
  }
}

/**
 * `f(x, parameters, source)`, of which only `x`, the parameters and random masks live on until the backward pass. Values and
 * gradients are those of `f` itself.
 *
 * @param f reads no tensors but its arguments and those it makes
 * @param x the input, any shape
 * @param parameters further tensors that gradients are wanted of, by name
 * @param source randomness; the backward pass uses what the forward pass drew
 */
export function recompute(
  f: (x: tf.Tensor, parameters: Record<string, tf.Tensor>, source?: DropoutSource) => tf.Tensor,
  x: tf.Tensor,
  parameters: Record<string, tf.Tensor>,
  source?: DropoutSource,
): tf.Tensor {
  const names = Object.keys(parameters);
  const named = (values: readonly tf.Tensor[]) => Object.fromEntries(names.map((name, i) => [name, values[i]!]));
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const inputs = args.slice(0, -1) as tf.Tensor[]; // x and the parameters
    const drawn: tf.Tensor[] = [];
    const value = f(inputs[0]!, named(inputs.slice(1)), source && recording(source, drawn));
    save([...inputs, ...drawn]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sx, ...rest] = saved as [tf.Tensor, ...tf.Tensor[]];
      const values = rest.slice(0, names.length);
      const masks = rest.slice(names.length);
      const again = (...[input, ...own]: tf.Tensor[]) => f(input!, named(own), source && replaying(masks));
      const wanted = [after(sx, dy), ...values];
      const grads = innerGradients(() => again(...wanted), wanted, dy);
      // A parameter that f does not use has no gradient.
      return wanted.map((tensor, i) => grads[i] ?? tf.zerosLike(tensor));
    };
    return { value, gradFunc };
  });
  return op(x, ...Object.values(parameters));
}
