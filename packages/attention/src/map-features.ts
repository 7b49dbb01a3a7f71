/** Applying a feature map to queries, which may be of more heads than keys, and what it draws for one pass. */
import type * as tf from '@tensorflow/tfjs-core';
import type { AttentionParameters, AttentionShape, FeatureMap, ParallelOptions } from './contract.js';
import { groupRows, groupsOf, ungroupRows } from './groups.js';

/** Features of queries q [B,H,T,d] beside keys k [B,kvHeads,.,.]: [B,H,T,features]. */
export function mapQueries(featureMap: FeatureMap, q: tf.Tensor, k: tf.Tensor, parameters: AttentionParameters) {
  const groups = groupsOf(q, k);
  return ungroupRows(featureMap.query(groupRows(q, groups), parameters), groups);
}

/** Heads and width of keys k [B,kvHeads,T,d]. */
export const shapeOf = (k: tf.Tensor): AttentionShape => ({ heads: k.shape[1]!, headDim: k.shape[3]! });

/** The parameters with what the feature map draws for one pass; `shape` is that of keys, see `shapeOf`. */
export function withDrawn(
  { draw }: FeatureMap,
  shape: AttentionShape,
  parameters: AttentionParameters,
  random?: ParallelOptions['random'],
): AttentionParameters {
  return draw ? { ...parameters, ...draw(shape, random) } : parameters;
}
