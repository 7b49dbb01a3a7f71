/** Reading the configuration files of other projects: what is there, what is not supported. */
import { UserError } from '@t2r/core';
import type { LmConfig } from '@t2r/models';
import type { z } from 'zod';
import type { JsonObject } from './types.js';

/** The fields of a configuration that matter; others are passed over. @throws UserError naming each wrong one */
export function parseOptions<T>(family: string, schema: z.ZodType<T>, config: JsonObject): T {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new UserError(`this is not the configuration of a ${family} model that is supported; ${problems.join('; ')}`, {
    hint: 'Give the config.json that belongs to the weights.',
  });
}

/** @throws UserError that an option has a value this project has no model for */
export function unsupported(family: string, option: string, value: unknown, hint?: string): never {
  throw new UserError(`${family}: ${option}: ${JSON.stringify(value)} is not supported`, {
    hint: hint ?? 'Use a model without this option.',
  });
}

/** Refuses options that have another value than the one this project's models have. */
export function refuse(family: string, config: JsonObject, wanted: Record<string, readonly unknown[]>): void {
  for (const [option, values] of Object.entries(wanted)) {
    const value = config[option];
    if (value !== undefined && value !== null && !values.includes(value)) unsupported(family, option, value);
  }
}

const ACTIVATIONS: Record<string, LmConfig['activation']> = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu-new',
  gelu_fast: 'gelu-new',
  gelu_accurate: 'gelu-new',
  gelu_pytorch_tanh: 'gelu-new',
  gelu_python_tanh: 'gelu-new',
  silu: 'silu',
  swish: 'silu',
};

/** The activation of a name in transformers or fairseq. */
export function activationOf(family: string, option: string, name: string): LmConfig['activation'] {
  return Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name]! : unsupported(family, option, name);
}

/** The name in transformers. */
export const activationName = (activation: LmConfig['activation']): string =>
  activation === 'gelu-new' ? 'gelu_new' : activation;

/** What most architectures have in common with the plain decoder. */
export const PLAIN = {
  use: 'decoder-lm',
  norm: 'pre',
  scaleEmbedding: false,
  attentionDropout: 0,
  activationDropout: 0,
} as const satisfies Partial<LmConfig>;

/** Softmax attention in all layers. */
export const softmaxLayers = (layers: number): LmConfig['attention'] =>
  Array.from({ length: layers }, () => ({ use: 'softmax' }));
