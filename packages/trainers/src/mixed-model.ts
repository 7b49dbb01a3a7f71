/**
 * A model that trains with two attentions at once: at every step each converted layer has either the old or the new one, by
 * the toss of a coin. Its weights come to serve both, so that every choice of layers can afterwards be measured with one set
 * of weights, as one-shot architecture search does (Bender et al. 2018, "Understanding and simplifying one-shot
 * architecture search").
 */
import type { Attention } from '@t2r/attention';
import { createLanguageModel, type LanguageModel } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import type { Imitation } from './imitation.js';

/** The parallel form of two attentions of which training takes one or the other, each half of the steps. */
function eitherAttention(old: Attention, next: Attention): Attention {
  return {
    ...next,
    folding: undefined,
    parameters: (shape) => [...old.parameters(shape), ...next.parameters(shape)],
    parallel(q, k, v, parameters, options) {
      if (options.random === undefined) throw new Error('attention that is tossed for is for training alone');
      const coin = tf.sign(options.random.mask([1, 1, 1, 1], 0.5)); // 0 or 1, for the whole batch
      const oldPart = tf.mul(old.parallel(q, k, v, parameters, options), tf.sub(1, coin));
      return tf.add(oldPart, tf.mul(next.parallel(q, k, v, parameters, options), coin)); // [B,H,T,d]
    },
  };
}

/** The training model of a pair: in every layer in which the two differ, either attention. */
export function mixedModel({ student, teacher, layers }: Imitation): LanguageModel {
  const differ = new Set(layers);
  const attention = student.attention.map((next, layer) =>
    differ.has(layer) ? eitherAttention(teacher.attention[layer]!, next) : next,
  );
  return createLanguageModel(student.config, attention);
}
