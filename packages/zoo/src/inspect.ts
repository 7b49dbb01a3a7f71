/** What is known of a checkpoint without reading its weights, and what a conversion of it would add. */
import { stat } from 'node:fs/promises';
import { type CreateContext, UserError } from '@t2r/core';
import {
  buildLanguageModel,
  buildModel,
  buildTranslationModel,
  type LmConfig,
  type ModelConfig,
  parameterCount,
  type TranslationConfig,
} from '@t2r/models';
import { countOf } from './elements.js';
import { openTensors } from './open.js';
import { openModel } from './open-model.js';
import type { TensorEntry, TensorSource } from './tensor-source.js';
import type { CheckpointOrigin } from './types.js';

export interface InspectOptions {
  /** Builds attention variants: those a converted checkpoint names, and `t2r-mlp`. */
  context: CreateContext;
  /**
   * Features a head of the conversion that is reckoned with. Default 32 in a language model; in a translation model 4 in
   * self-attention and 32 in cross-attention (Kasai et al. 2021), and one number is for both.
   */
  features?: number;
  /** Position at which the cache of softmax attention is compared with a state of fixed size. Default 1024. */
  position?: number;
}

/** What T2R in all layers with softmax attention over all positions would bring. */
export interface ConversionEstimate {
  /** Of self-attention. */
  features: number;
  /** Layers whose self-attention would be converted. */
  layers: number;
  /** The same of cross-attention; absent in language models. */
  cross?: { features: number; layers: number };
  /** Parameters of the new feature maps. */
  parameters: number;
  /** Bytes of float32 state of one sequence, at any position; in a translation model for a source of any length. */
  stateBytes: number;
  /** Bytes of float32 cache of one sequence now, at `position`; in a translation model for a source as long. */
  cacheBytes: number;
  position: number;
}

export interface Inspection {
  path: string;
  format: TensorSource['format'];
  files: { path: string; bytes: number }[];
  tensors: Pick<TensorEntry, 'name' | 'dtype' | 'shape' | 'tiedTo'>[];
  /** Number of tensors by element type. */
  dtypes: Record<string, number>;
  /** Values in all tensors of floats, tied ones once. */
  values: number;
  /** Family; absent where it is no model that is known. */
  architecture?: string;
  /** Why it is none. */
  reason?: string;
  model?: ModelConfig;
  /** Parameters of the model. */
  parameters?: number;
  /** Files of its tokenizer; empty where there is none. */
  tokenizer?: string[];
  /** The same of one for sources alone; absent where there is none. */
  sourceTokenizer?: string[];
  origin?: Pick<CheckpointOrigin, 'from' | 'licence'>;
  conversion?: ConversionEstimate;
}

async function describeTensors(
  source: TensorSource,
): Promise<Pick<Inspection, 'format' | 'files' | 'tensors' | 'dtypes' | 'values'>> {
  const files: Inspection['files'] = [];
  for (const path of source.files) files.push({ path, bytes: (await stat(path)).size });
  const entries = [...source.entries.values()];
  const dtypes: Record<string, number> = {};
  for (const { dtype } of entries) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  const values = entries
    .filter(({ reads, tiedTo }) => reads === 'float32' && tiedTo === undefined)
    .reduce((sum, { shape }) => sum + countOf(shape), 0);
  const tensors = entries.map(({ name, dtype, shape, tiedTo }) => ({ name, dtype, shape, ...(tiedTo && { tiedTo }) }));
  return { format: source.format, files, tensors, dtypes, values };
}

const countSoftmax = (attention: LmConfig['attention']) => attention.filter(({ use }) => use === 'softmax').length;

/** T2R in place of softmax attention over all positions. */
function converted(attention: LmConfig['attention'], features: number, context: CreateContext): LmConfig['attention'] {
  const { name, options } = context.create('attention', { use: 't2r-mlp', features });
  return attention.map((own) => (own.use === 'softmax' ? { use: name, ...options } : own));
}

/** Undefined where no layer has softmax attention over all positions. */
function estimateTranslation(
  config: TranslationConfig,
  { context, features: both, position = 1024 }: InspectOptions,
): ConversionEstimate | undefined {
  const [features, crossFeatures] = [both ?? 4, both ?? 32];
  const [layers, crossLayers] = [countSoftmax(config.attention), countSoftmax(config.cross)];
  if (layers + crossLayers === 0) return undefined;
  const before = buildTranslationModel(config, context);
  const attention = converted(config.attention, features, context);
  const cross = converted(config.cross, crossFeatures, context);
  const after = buildTranslationModel({ ...config, attention, cross }, context);
  return {
    features,
    layers,
    cross: { features: crossFeatures, layers: crossLayers },
    parameters: parameterCount(after) - parameterCount(before),
    stateBytes: after.stateBytes(position, position),
    cacheBytes: before.stateBytes(position, position),
    position,
  };
}

/** Undefined where no layer has softmax attention over all positions. */
function estimateLanguageModel(
  config: LmConfig,
  { context, features = 32, position = 1024 }: InspectOptions,
): ConversionEstimate | undefined {
  const layers = countSoftmax(config.attention);
  if (layers === 0) return undefined;
  const attention = converted(config.attention, features, context);
  const before = buildLanguageModel(config, context);
  const after = buildLanguageModel({ ...config, attention }, context);
  return {
    features,
    layers,
    parameters: parameterCount(after) - parameterCount(before),
    stateBytes: after.stateBytes(position),
    cacheBytes: before.stateBytes(position),
    position,
  };
}

/**
 * Looks into a checkpoint: a file or folder that `openTensors` takes, a model where it is one that is known.
 * @throws UserError where there is no checkpoint, or its files are damaged
 */
export async function inspectCheckpoint(path: string, options: InspectOptions): Promise<Inspection> {
  let reason: string;
  try {
    const opened = await openModel(path, options.context);
    try {
      const { architecture, config, tokenizer, sourceTokenizer, origin, found } = opened;
      const { from, licence } = origin;
      return {
        path,
        ...(await describeTensors(found.source)),
        architecture,
        model: config,
        parameters: parameterCount(buildModel(config, options.context)),
        tokenizer,
        ...(sourceTokenizer.length > 0 && { sourceTokenizer }),
        ...((from ?? licence) !== undefined && { origin: { from, licence } }),
        conversion:
          config.use === 'encoder-decoder'
            ? estimateTranslation(config, options)
            : estimateLanguageModel(config, options),
      };
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    reason = error.message;
    // Where not even tensors can be read, the first error says it best.
    const source = await openTensors(path).catch(() => {
      throw error;
    });
    try {
      return { path, ...(await describeTensors(source)), reason };
    } finally {
      await source.close();
    }
  }
}
