/** Reading and checking a checkpoint's config.json. */
import { readFile } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { architectureOptions, type ModelConfig, translationOptions } from '@t2r/models';
import { z } from 'zod';
import type { CheckpointConfig } from './types.js';

const size = z.number().int().positive();
const rate = z.number().min(0).max(1);

const attention = z.array(z.looseObject({ use: z.string() }));

const common = {
  vocab: size,
  dim: size,
  activation: z.enum(['relu', 'gelu', 'gelu-new', 'silu']),
  norm: z.enum(['pre', 'post']),
  maxPositions: size,
  tieOutput: z.boolean(),
  scaleEmbedding: z.boolean(),
  dropout: rate,
  attentionDropout: rate,
  activationDropout: rate,
  initStd: z.number().positive(),
  attention,
};

const languageModel = z.object({
  use: z.literal('decoder-lm'),
  layers: size,
  heads: size,
  ffn: size,
  ...common,
  positions: z.enum(['learned', 'sinusoidal', 'rotary', 'none']),
  init: z.enum(['normal', 'fairseq']).optional(),
  initScale: z.number().positive().optional(),
  adaptive: z.object({ cutoffs: z.array(size), factor: size, tieProjections: z.boolean(), dropout: rate }).optional(),
  finalNorm: z.boolean().optional(),
  layerDrop: rate.optional(),
  ...architectureOptions,
});

const stack = z.object({ layers: size, heads: size, ffn: size, layerDrop: rate.optional() });

const translation = z.object({
  ...common,
  use: z.literal('encoder-decoder'),
  sourceVocab: size.optional(),
  encoder: stack,
  decoder: stack,
  positions: z.enum(['learned', 'sinusoidal', 'none']),
  shareEmbeddings: z.boolean(),
  ...translationOptions,
  cross: attention,
});

/** One attention for each layer that has some. */
function checkLayers(model: ModelConfig, { addIssue }: z.RefinementCtx): void {
  const layers = model.use === 'decoder-lm' ? model.layers : model.decoder.layers;
  const lists =
    model.use === 'decoder-lm' ? { attention: model.attention } : { attention: model.attention, cross: model.cross };
  for (const [name, specs] of Object.entries(lists))
    if (specs.length !== layers)
      addIssue({ code: 'custom', path: [name], message: 'expected one attention per layer' });
}

const schema = z.object({
  format: z.literal('t2r-checkpoint'),
  version: z.literal(1),
  model: z.discriminatedUnion('use', [languageModel, translation]).superRefine(checkLayers),
  provenance: z.record(z.string(), z.unknown()).optional(),
  origin: z
    .looseObject({
      from: z.string(),
      sha256: z.record(z.string(), z.string()),
      architecture: z.string(),
      format: z.string(),
      config: z.record(z.string(), z.unknown()),
      generationConfig: z.record(z.string(), z.unknown()),
      tokenizerConfig: z.record(z.string(), z.unknown()),
      licence: z.string(),
    })
    .partial()
    .optional(),
});

/**
 * Reads config.json of a checkpoint folder.
 *
 * @throws UserError when it is missing, is not JSON or lacks something, with the path of each wrong field
 */
export async function readCheckpointConfig(path: string): Promise<CheckpointConfig<ModelConfig>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new UserError(`cannot read the checkpoint's ${path}: ${(cause as Error).message}`, {
      location: { file: path },
      hint: 'A checkpoint is a folder with config.json and model.safetensors.',
      cause,
    });
  }
  return parseCheckpointConfig(parsed, path);
}

/** Checks what stands in a config.json; `path` is for messages. @throws UserError with the path of each wrong field */
export function parseCheckpointConfig(json: unknown, path: string): CheckpointConfig<ModelConfig> {
  const result = schema.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
    throw new UserError(`${path} is not the config.json of a checkpoint; ${problems.join('; ')}`, {
      location: { file: path },
    });
  }
  return result.data;
}
