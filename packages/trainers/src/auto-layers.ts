/** The layers that `layers: auto` chooses among, and what their states take. */
import { UserError } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { attentionShape, type LanguageModel } from '@t2r/models';
import type { LayerBytes } from './auto-plan.js';

/** Layers that can be measured: those with an attention that has no weights to lose, and is not the new one already. */
export function measurableLayers(model: LanguageModel, next: string): number[] {
  const { config, attention } = model;
  const shape = attentionShape(config);
  const layers = attention.flatMap((variant, layer) =>
    variant.name !== next && variant.parameters(shape).length === 0 ? [layer] : [],
  );
  if (layers.length === 0)
    throw new UserError(`layers: auto finds no layer to convert to ${next}`, {
      hint: 'It converts layers whose attention has no parameters of its own, such as softmax.',
    });
  return layers;
}

/** State of one sequence at the longest position, in each of two models, layer by layer. */
export function layerBytes(old: LanguageModel, next: LanguageModel, layers: readonly number[]) {
  const bytesOf = (model: LanguageModel, layer: number) =>
    model
      .state(1, model.config.maxPositions)
      .filter(({ name }) => name.startsWith(`layers.${layer}.`))
      .reduce((sum, { shape }) => sum + Float32Array.BYTES_PER_ELEMENT * sizeOf(shape), 0);
  const bytes = layers.map((layer): LayerBytes => ({ layer, old: bytesOf(old, layer), next: bytesOf(next, layer) }));
  const fixed = next.stateBytes(next.config.maxPositions) - bytes.reduce((sum, one) => sum + one.next, 0);
  return { bytes, fixed };
}
