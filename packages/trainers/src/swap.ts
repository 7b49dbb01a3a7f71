/** Swapping attention variants: which weights carry over, which are dropped and which are new. */
import { type ComponentSpec, type CreateContext, UserError } from '@t2r/core';
import {
  attentionShape,
  buildLanguageModel,
  initialParameter,
  type LanguageModel,
  type LmConfig,
  type Weights,
} from '@t2r/models';

/** The model of `config` with another attention in some layers. */
export function swapAttention(
  config: LmConfig,
  attention: ComponentSpec,
  layers: readonly number[],
  context: CreateContext,
): LanguageModel {
  const { name, options } = context.create('attention', attention);
  const swapped = new Set(layers);
  const specs = config.attention.map((spec, i) => (swapped.has(i) ? { use: name, ...options } : spec));
  return buildLanguageModel({ ...config, attention: specs }, context);
}

/** Parameters that the attention of layer `layer` brings along besides the projections, by full name. */
function ownNames(model: LanguageModel, layer: number): Set<string> {
  const own = model.attention[layer]!.parameters(attentionShape(model.config));
  return new Set(own.map(({ name }) => `layers.${layer}.attention.${name}`));
}

export interface SwapNames {
  /** Weights the new model takes over as they are. */
  kept: string[];
  /** Weights of the old attention, which go. */
  dropped: string[];
  /** Weights of the new attention, to be drawn. */
  drawn: string[];
}

/**
 * Sorts the weights at a swap. Only the new attention's own parameters may be missing in the old model, and only the old
 * attention's own parameters may be left over; in T2R's released code any key that does not match is passed over in
 * silence instead.
 *
 * @throws UserError naming every other parameter that is missing, left over or of another shape
 */
export function sortWeights(before: LanguageModel, after: LanguageModel, layers: readonly number[]): SwapNames {
  const mayDrop = new Set(layers.flatMap((layer) => [...ownNames(before, layer)]));
  const mayDraw = new Set(layers.flatMap((layer) => [...ownNames(after, layer)]));
  const old = new Map(before.parameters().map(({ name, shape }) => [name, shape]));
  const next = new Map(after.parameters().map(({ name, shape }) => [name, shape]));
  const problems: string[] = [];
  const names: SwapNames = { kept: [], dropped: [], drawn: [] };
  for (const [name, shape] of next) {
    if (mayDraw.has(name)) names.drawn.push(name);
    else if (!old.has(name)) problems.push(`${name} is missing`);
    else if (old.get(name)!.join() !== shape.join())
      problems.push(`${name} is [${old.get(name)!.join(', ')}], expected [${shape.join(', ')}]`);
    else names.kept.push(name);
  }
  for (const name of old.keys()) {
    if (mayDrop.has(name)) names.dropped.push(name);
    else if (!next.has(name)) problems.push(`${name} has no place in the new model`);
  }
  if (problems.length > 0)
    throw new UserError(`the swap would lose weights that are not the attention's own: ${problems.join('; ')}`);
  return names;
}

/** A converted model's weights, and where they come from. */
export interface Swapped extends SwapNames {
  model: LanguageModel;
  weights: Weights;
}

export interface SwapWeightsOptions {
  before: LanguageModel;
  after: LanguageModel;
  /** Layers in which the two have another attention. */
  layers: readonly number[];
  /** Of the model before. */
  weights: Weights;
  /** Of the parameters that are drawn. */
  seed: number;
}

/** The weights of the model after a swap. @throws UserError where weights other than the attention's own would be lost */
export function swapWeights({ before, after, layers, weights, seed }: SwapWeightsOptions): Swapped {
  const names = sortWeights(before, after, layers);
  const drawn = new Set(names.drawn);
  const swapped = after
    .parameters()
    .map((spec) => [
      spec.name,
      drawn.has(spec.name) ? { shape: spec.shape, data: initialParameter(spec, seed) } : weights[spec.name]!,
    ]);
  return { ...names, model: after, weights: Object.fromEntries(swapped) as Weights };
}
