/** Runs `zoo/save`. Tensors go from file to file one by one. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Metrics,
  type StepContext,
  type StepResult,
  UserError,
  writeFileAtomic,
  writeJsonAtomic,
} from '@t2r/core';
import { type AnyModel, buildModel, isTranslation, type ModelConfig, parameterCount } from '@t2r/models';
import type { Tokenizer } from '@t2r/tokenizers';
import { exportModel } from '../architectures/model.js';
import type { JsonObject } from '../architectures/types.js';
import { writableFamily } from '../architectures/writable.js';
import { checkpointConfig } from '../checkpoint.js';
import type { WritableTensor } from '../formats/safetensors-write.js';
import { writeSafetensorsFolder } from '../formats/shards-write.js';
import { openTensors } from '../open.js';
import type { TensorSource } from '../tensor-source.js';
import type { CheckpointConfig } from '../types.js';
import { modelCard } from './model-card.js';
import type { SaveOptions } from './save-step.js';
import { saveTokenizers, storedTokenizers } from './save-tokenizer.js';

/** The folder within the step's own. */
export const MODEL_FOLDER = 'model';

/** What goes into config.json and model.safetensors. */
interface Written {
  config: JsonObject;
  tensors: Record<string, WritableTensor>;
  metadata: Record<string, string>;
  /** Class of transformers; absent for this project's own format. */
  transformers?: string;
}

const floats = async (source: TensorSource, name: string) => {
  const { data } = await source.read(name);
  return data instanceof Float32Array ? data : Float32Array.from(data);
};

/** What this project's models are called where transformers has the class. */
const OWN_CLASSES = { 'decoder-lm': 'T2RForCausalLM', 'encoder-decoder': 'T2RForConditionalGeneration' };

/** This project's own format: the checkpoint's files, with a name of its own where transformers has the class. */
function ownFormat(config: CheckpointConfig<ModelConfig>, source: TensorSource): Written {
  const tensors = [...source.entries].map(([name, { shape }]): [string, WritableTensor] => [
    name,
    { shape, read: () => floats(source, name) },
  ]);
  return {
    config: { architectures: [OWN_CLASSES[config.model.use]], model_type: 't2r', ...config },
    tensors: Object.fromEntries(tensors),
    metadata: { format: config.format },
  };
}

/** transformers' format, or undefined with `to: auto` where it has no class for the model. */
async function transformersFormat(
  to: SaveOptions['to'],
  { model, origin }: CheckpointConfig<ModelConfig>,
  source: TensorSource,
  tokens: JsonObject,
): Promise<Written | undefined> {
  const { family, reason } = writableFamily(model, origin?.config);
  if (family === undefined) {
    if (to === 'auto') return undefined;
    throw new UserError(`to: transformers: ${reason}`, { hint: 'Write it with to: own, or leave `to` out.' });
  }
  const { config, tensors } = await exportModel(model, (name) => floats(source, name), {
    architecture: family.name,
    base: origin?.config ?? tokens,
  });
  const [transformers] = config.architectures as string[];
  return { config, tensors, metadata: { format: 'pt' }, transformers };
}

/** Ids of the tokens that begin and end a text, for a model that came without a configuration of its own. */
function tokensOf(config: ModelConfig, tokenizer: Tokenizer | undefined): JsonObject {
  if (config.use === 'encoder-decoder' && config.tokens !== undefined) {
    const { start, end, padding } = config.tokens;
    return { decoder_start_token_id: start, eos_token_id: end, pad_token_id: padding };
  }
  const end = tokenizer?.endOfText;
  return end === undefined ? {} : { bos_token_id: end, eos_token_id: end };
}

/** Figures of one checkpoint: those that are called after its step. */
const figuresOf = (metrics: Metrics, step: string): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith(`${step}.`)));

const protocolsOf = (data: unknown): string[] => {
  const { protocols = {} } = (data ?? {}) as { protocols?: Record<string, { text?: unknown }> };
  return Object.values(protocols).flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
};

/** Bytes of state at the longest position, of a source as long. */
function longestState(model: AnyModel): number {
  const { maxPositions } = model.config;
  return isTranslation(model) ? model.stateBytes(maxPositions, maxPositions) : model.stateBytes(maxPositions);
}

/** Writes the folder `model` in the step's own. */
export async function runSave(options: SaveOptions, context: StepContext): Promise<StepResult> {
  const artifact = context.input(options.from);
  const folder = join(context.folder, MODEL_FOLDER);
  const checkpoint = await checkpointConfig(artifact.folder);
  const { model: config, origin } = checkpoint;
  const model = buildModel(config, context);
  const stored = await storedTokenizers(artifact.folder);
  const source = await openTensors(artifact.folder);
  try {
    const tokens = tokensOf(config, stored?.tokenizer);
    const foreign = options.to === 'own' ? undefined : transformersFormat(options.to, checkpoint, source, tokens);
    const { config: written, tensors, metadata, transformers } = (await foreign) ?? ownFormat(checkpoint, source);
    await writeSafetensorsFolder(folder, tensors, { metadata, shardBytes: options.shardBytes });
    const python =
      stored &&
      (await saveTokenizers(folder, stored, {
        described: origin?.tokenizerConfig,
        transformers: transformers !== undefined,
        maxPositions: config.maxPositions,
      }));
    await writeJsonAtomic(join(folder, 'generation_config.json'), origin?.generationConfig ?? tokens);
    const licence = options.licence ?? origin?.licence;
    const card = modelCard({
      name: options.name ?? `${context.run.name} ${artifact.id}`,
      config,
      parameters: parameterCount(model),
      stateBytes: longestState(model),
      origin,
      licence,
      tokenizer: python,
      transformers,
      step: { id: artifact.id, use: artifact.use, metrics: artifact.metrics },
      evaluations: options.evaluations.map((ref) => {
        const { metrics, data } = context.input(ref);
        return { metrics: figuresOf(metrics, artifact.id), protocols: protocolsOf(data) };
      }),
    });
    await writeFileAtomic(join(folder, 'README.md'), card);
    // Last: a folder with a config.json is whole.
    await writeJsonAtomic(join(folder, 'config.json'), written);
    const format = transformers === undefined ? 'own' : 'transformers';
    context.events.info(`${format} format in ${folder}`);
    const bytes = await weightBytes(folder);
    return {
      metrics: { parameters: parameterCount(model), bytes },
      data: {
        folder: MODEL_FOLDER,
        format,
        architecture: transformers ?? OWN_CLASSES[config.use],
        licence: licence ?? null,
      },
    };
  } finally {
    await source.close();
  }
}

/** Bytes of the files of weights. */
async function weightBytes(folder: string): Promise<number> {
  const source = await openTensors(folder);
  await source.close();
  const sizes = await Promise.all(source.files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
