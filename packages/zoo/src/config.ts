/** Reading and checking a checkpoint's config.json. */
import { readFile } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { architectureOptions } from '@t2r/models';
import { z } from 'zod';
import type { CheckpointConfig } from './types.js';

const size = z.number().int().positive();
const rate = z.number().min(0).max(1);

const modelSchema = z.object({
  use: z.literal('decoder-lm'),
  vocab: size,
  layers: size,
  dim: size,
  heads: size,
  ffn: size,
  activation: z.enum(['relu', 'gelu', 'gelu-new', 'silu']),
  norm: z.enum(['pre', 'post']),
  positions: z.enum(['learned', 'sinusoidal', 'rotary', 'none']),
  maxPositions: size,
  tieOutput: z.boolean(),
  scaleEmbedding: z.boolean(),
  dropout: rate,
  attentionDropout: rate,
  activationDropout: rate,
  initStd: z.number().positive(),
  init: z.enum(['normal', 'fairseq']).optional(),
  initScale: z.number().positive().optional(),
  adaptive: z.object({ cutoffs: z.array(size), factor: size, tieProjections: z.boolean(), dropout: rate }).optional(),
  finalNorm: z.boolean().optional(),
  layerDrop: rate.optional(),
  ...architectureOptions,
  attention: z.array(z.looseObject({ use: z.string() })),
});

const schema = z.object({
  format: z.literal('t2r-checkpoint'),
  version: z.literal(1),
  model: modelSchema.refine((model) => model.attention.length === model.layers, {
    path: ['attention'],
    message: 'expected one attention per layer',
  }),
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
export async function readCheckpointConfig(path: string): Promise<CheckpointConfig> {
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
export function parseCheckpointConfig(json: unknown, path: string): CheckpointConfig {
  const result = schema.safeParse(json);
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
    throw new UserError(`${path} is not the config.json of a checkpoint; ${problems.join('; ')}`, {
      location: { file: path },
    });
  }
  return result.data;
}
