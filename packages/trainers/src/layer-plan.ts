/**
 * Which layers a conversion swaps, and why. `last-of-every-4` is the paper's "T2R 75 %": every fourth layer, counted from
 * the top, keeps its softmax attention and the other three quarters are converted (Kasai et al. 2021).
 */
import { UserError } from '@t2r/core';
import type { ModelConfig } from '@t2r/models';
import { z } from 'zod';

const EVERY = /^last-of-every-([1-9]\d*)$/;

export const layersOption = z
  .union([z.enum(['all', 'auto']), z.string().regex(EVERY), z.array(z.int().min(0)).min(1)])
  .default('all')
  .describe(
    'Layers to convert: all; last-of-every-N, which spares every Nth layer counted from the top (4: "T2R 75 %"); a list, counted from 0 at the input; or auto, which measures and chooses (see `auto`). The others keep what they have.',
  );

export type LayersOption = z.output<typeof layersOption>;

/** Layers that are known without measuring. */
export type FixedLayers = Exclude<LayersOption, 'auto'>;

/** What a conversion does with one layer. */
export interface PlannedLayer {
  /** Index from 0 at the input. */
  layer: number;
  /** Component name of the attention it has afterwards. */
  attention: string;
  /** The same of cross-attention, in translation models. */
  cross?: string;
  swapped: boolean;
  /** Why it is swapped or kept, for the reader of a checkpoint or report. */
  reason: string;
  /** What it was chosen by, where it was measured. */
  measured?: Record<string, number>;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Whether each layer is swapped, and why. */
function choose(layers: FixedLayers, count: number): { swapped: boolean; reason: string }[] {
  if (layers === 'all') return range(count).map(() => ({ swapped: true, reason: 'all layers are swapped' }));
  if (typeof layers === 'string') {
    const every = Number(EVERY.exec(layers)![1]);
    const kept = (layer: number) => (count - 1 - layer) % every === 0;
    return range(count).map((layer) => ({
      swapped: !kept(layer),
      reason: kept(layer) ? `kept as the last of every ${every} layers` : `not the last of every ${every} layers`,
    }));
  }
  const wrong = layers.filter((layer) => layer >= count);
  if (wrong.length > 0)
    throw new UserError(`there is no layer ${wrong.join(', ')} to swap: the model has ${count} layers`, {
      hint: `Layers count from 0 to ${count - 1}.`,
    });
  return range(count).map((layer) => {
    const swapped = layers.includes(layer);
    return { swapped, reason: swapped ? 'listed' : 'not listed' };
  });
}

/**
 * Plans a conversion, one entry per layer; in a translation model, per layer of the decoder.
 *
 * @param attention component name of the attention to put in
 * @param cross the same of cross-attention, which stays as it is where nothing is given
 * @throws UserError where a listed layer does not exist, or none is left to swap
 */
export function planLayers(
  layers: FixedLayers,
  config: ModelConfig,
  attention: string,
  cross?: string,
): PlannedLayer[] {
  const count = config.use === 'decoder-lm' ? config.layers : config.decoder.layers;
  const plan = choose(layers, count).map(({ swapped, reason }, layer) => ({
    layer,
    attention: swapped ? attention : config.attention[layer]!.use,
    ...(config.use === 'encoder-decoder' && { cross: (swapped && cross) || config.cross[layer]!.use }),
    swapped,
    reason,
  }));
  if (!plan.some(({ swapped }) => swapped))
    throw new UserError(`layers: ${String(layers)} leaves no layer of the model's ${count} to swap`, {
      hint: 'Choose a larger N (last-of-every-4 swaps three layers of four), all, or a list of layers.',
    });
  return plan;
}

/** Indices of the layers that a plan swaps, ascending. */
export const swappedLayers = (plan: readonly PlannedLayer[]): number[] =>
  plan.flatMap(({ layer, swapped }) => (swapped ? layer : []));
