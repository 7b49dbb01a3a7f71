/**
 * An attention variant of one's own: linear attention with the feature map phi(x) = relu(W x)^2, one W a head.
 * A recipe beside this file uses it through `plugins: [./squared-relu.js]`. The quadratic, chunked and recurrent forms,
 * validation, listing, training, swapping and generation come from @t2r/attention and the recipe language.
 */
import { linearAttention } from '@t2r/attention';
import { defineComponent, definePlugin } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';

/** x [batch, heads, time, headDim], W [heads, features, headDim] -> [batch, heads, time, features]. */
const phi = (x, { 'phi.weight': weight }) => {
  const [, heads, , headDim] = x.shape;
  const perHead = tf.reshape(weight, [1, heads, weight.shape[1], headDim]);
  return tf.square(tf.relu(tf.matMul(x, tf.tile(perHead, [x.shape[0], 1, 1, 1]), false, true)));
};

const squaredRelu = defineComponent({
  kind: 'attention',
  name: 'squared-relu',
  description: 'Linear attention with the feature map relu(W x)^2.',
  schema: z.strictObject({
    features: z.int().min(1).default(32).describe('Features per head.'),
    epsilon: z.number().positive().default(1e-3).describe('Lower bound of the denominator.'),
  }),
  create: ({ features, epsilon }) =>
    linearAttention({
      name: 'squared-relu',
      options: { features, epsilon },
      epsilon,
      featureMap: {
        features: () => features,
        parameters: ({ heads, headDim }) => [
          {
            name: 'phi.weight',
            shape: [heads, features, headDim],
            init: { kind: 'normal', std: headDim ** -0.5 },
          },
        ],
        // Queries are scaled, as in the softmax model that the weights come from.
        query: (x, parameters) => phi(tf.mul(x, x.shape[3] ** -0.5), parameters),
        key: phi,
      },
    }),
});

export default definePlugin({ name: 'squared-relu', components: [squaredRelu] });
