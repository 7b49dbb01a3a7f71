/** Which family of transformers a model of this project can be written as. */
import { UserError } from '@t2r/core';
import type { ModelConfig } from '@t2r/models';
import { ARCHITECTURES } from './find.js';
import { checkMeaning, unconverted } from './meaning.js';
import type { Architecture, JsonObject } from './types.js';

export interface Writable {
  /** The first family that holds the model; absent where none does. */
  family?: Architecture<ModelConfig>;
  /** Why none does. */
  reason?: string;
}

/**
 * Looks for a family that has a word for all of a configuration.
 * @param base config.json that the model came with; its family is the only one that is tried
 */
export function writableFamily(config: ModelConfig, base?: JsonObject): Writable {
  try {
    unconverted(config.attention);
    if (config.use === 'encoder-decoder') unconverted(config.cross);
  } catch (error) {
    if (error instanceof UserError) return { reason: error.message };
    throw error;
  }
  const { use, positions } = config;
  if (use === 'decoder-lm' && config.adaptive !== undefined)
    return { reason: 'no class of transformers has an adaptive softmax' };
  if (positions === 'none' || (positions === 'sinusoidal' && use === 'decoder-lm'))
    return { reason: `no class of transformers that is written here has positions: ${positions}` };
  const written = ARCHITECTURES.filter((one) => one.write !== undefined && one.use === use);
  const known = base && written.find((one) => one.matches(base));
  const candidates = known === undefined ? written : [known];
  const reasons: string[] = [];
  for (const family of candidates) {
    try {
      checkMeaning(family, config, { ...base, ...family.write!(config, base ?? {}) });
      return { family };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      reasons.push(error.message);
    }
  }
  return { reason: reasons.join('; ') };
}
