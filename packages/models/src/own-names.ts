/** Which of a model's parameters belong to its attention variants rather than to the projections around them. */
import type { Attention, AttentionShape } from '@t2r/attention';
import { attentionShape } from './architecture.js';
import { type AnyModel, isTranslation } from './model-kinds.js';
import { stackConfig } from './translation-stacks.js';

/** Where attention is: a language model has the first alone. */
export type AttentionPlace = 'attention' | 'cross';

/**
 * Full names of what the attention of a layer brings along besides the projections; in a translation model, self- and
 * cross-attention of a layer of the decoder, or one of the two.
 */
export function attentionParameterNames(
  model: AnyModel,
  layer: number,
  places: readonly AttentionPlace[] = ['attention', 'cross'],
): string[] {
  const names = (variant: Attention, shape: AttentionShape, place: string) =>
    variant.parameters(shape).map(({ name }) => `${place}.${name}`);
  if (!isTranslation(model)) {
    return names(model.attention[layer]!, attentionShape(model.config), `layers.${layer}.attention`);
  }
  const shape = attentionShape(stackConfig(model.config, 'decoder'));
  return places.flatMap((place) => names(model[place][layer]!, shape, `decoder.layers.${layer}.${place}`));
}
