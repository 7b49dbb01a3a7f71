/** The options that stand in checkpoints of fairseq. */
import type { JsonObject } from './types.js';

/** The flat options of a checkpoint: `args`, or `cfg.model` of newer ones. */
export function optionsOf(config: JsonObject): JsonObject {
  const cfg = config.cfg as JsonObject | null | undefined;
  return ((cfg?.model ?? config.args ?? config) as JsonObject) ?? {};
}

/** fairseq's dictionaries have the padding at 1, and positions start after it. */
export const OFFSET = 2;

export const LAYER_NORM_EPSILON = 1e-5;
