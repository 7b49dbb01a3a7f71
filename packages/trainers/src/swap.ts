/** Swapping attention variants: which weights carry over, which are dropped and which are new. */
import { type ComponentSpec, type CreateContext, UserError } from '@t2r/core';
import {
  type AnyModel,
  type AttentionPlace,
  attentionParameterNames,
  buildLanguageModel,
  buildTranslationModel,
  initialParameter,
  type LanguageModel,
  type LmConfig,
  type ModelConfig,
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

/** What a conversion puts in. */
export interface NewAttention {
  attention: ComponentSpec;
  /** Of a translation model's decoder; absent: cross-attention stays. */
  cross?: ComponentSpec;
}

/** The model of `config` with other attention in some layers: of the decoder, in a translation model. */
export function swapModel(
  config: ModelConfig,
  { attention, cross }: NewAttention,
  layers: readonly number[],
  context: CreateContext,
): AnyModel {
  if (config.use === 'decoder-lm') {
    if (cross === undefined) return swapAttention(config, attention, layers, context);
    throw new UserError('cross: a decoder-only language model has no cross-attention', { hint: 'Leave out cross.' });
  }
  const put = (specs: ComponentSpec[], spec: ComponentSpec) =>
    specs.map((old, layer) => (layers.includes(layer) ? spec : old));
  const own = put(config.attention, attention);
  return buildTranslationModel(
    { ...config, attention: own, cross: cross ? put(config.cross, cross) : config.cross },
    context,
  );
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
 * @param places what was swapped in the layers: what stays keeps its parameters
 * @throws UserError naming every other parameter that is missing, left over or of another shape
 */
export function sortWeights(
  before: AnyModel,
  after: AnyModel,
  layers: readonly number[],
  places?: readonly AttentionPlace[],
): SwapNames {
  const mayDrop = new Set(layers.flatMap((layer) => attentionParameterNames(before, layer, places)));
  const mayDraw = new Set(layers.flatMap((layer) => attentionParameterNames(after, layer, places)));
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
export interface Swapped<Model extends AnyModel = AnyModel> extends SwapNames {
  model: Model;
  weights: Weights;
}

export interface SwapWeightsOptions<Model extends AnyModel = AnyModel> {
  before: Model;
  after: Model;
  /** Layers in which the two have another attention. */
  layers: readonly number[];
  /** Which attention of these layers is another; default: all of it. */
  places?: readonly AttentionPlace[];
  /** Of the model before. */
  weights: Weights;
  /** Of the parameters that are drawn. */
  seed: number;
}

/** The weights of the model after a swap. @throws UserError where weights other than the attention's own would be lost */
export function swapWeights<Model extends AnyModel>({
  before,
  after,
  layers,
  places,
  weights,
  seed,
}: SwapWeightsOptions<Model>): Swapped<Model> {
  const names = sortWeights(before, after, layers, places);
  const drawn = new Set(names.drawn);
  const swapped = after
    .parameters()
    .map((spec) => [
      spec.name,
      drawn.has(spec.name) ? { shape: spec.shape, data: initialParameter(spec, seed) } : weights[spec.name]!,
    ]);
  return { ...names, model: after, weights: Object.fromEntries(swapped) as Weights };
}
