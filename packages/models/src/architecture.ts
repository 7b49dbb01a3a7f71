/** What a configuration leaves out, filled in. */
import type { AttentionShape, RotaryOptions } from '@t2r/attention';
import { UserError } from '@t2r/core';
import type { LmConfig } from './types.js';

/** The shape of the heads of every layer, as attention variants are told. */
export function attentionShape({ dim, heads, headDim, kvHeads }: LmConfig): AttentionShape {
  return { heads, headDim: headDim ?? dim / heads, kvHeads: kvHeads ?? heads, modelDim: dim };
}

/** Columns of the projections to queries, and to keys and to values. */
export function projectionWidths(config: LmConfig): { query: number; key: number } {
  const { heads, headDim, kvHeads = heads } = attentionShape(config);
  return { query: heads * headDim, key: kvHeads * headDim };
}

/** Rotary positions of the model; undefined where it has others. */
export function rotaryOptions({ positions, rotary = {} }: LmConfig): RotaryOptions | undefined {
  if (positions !== 'rotary') return undefined;
  return { base: 10_000, fraction: 1, pairs: 'halves', ...rotary };
}

/** Which linear layers have biases. */
export function biasesOf({ biases = {} }: LmConfig): { qkv: boolean; out: boolean; ffn: boolean } {
  return { qkv: true, out: true, ffn: true, ...biases };
}

/** Throws UserError where parts of a configuration do not fit together. */
export function checkArchitecture(config: LmConfig): void {
  const { dim, heads, headDim, kvHeads = heads, adaptive, embedDim, outputBias, norm, parallelResidual } = config;
  if (headDim === undefined && dim % heads !== 0) {
    throw new UserError(`heads: ${heads} heads do not divide a model of dim ${dim}`, {
      hint: 'Choose heads so that dim is a multiple of it, or give headDim.',
    });
  }
  if (heads % kvHeads !== 0) {
    throw new UserError(`kvHeads: ${kvHeads} heads of keys do not divide ${heads} heads of queries`, {
      hint: 'Choose kvHeads so that heads is a multiple of it.',
    });
  }
  if (adaptive && (embedDim !== undefined || outputBias)) {
    throw new UserError(`${outputBias ? 'outputBias' : 'embedDim'} has no meaning beside adaptive`, {
      hint: 'Leave out one of the two.',
    });
  }
  if (parallelResidual && norm === 'post') {
    throw new UserError('parallelResidual: attention and feed-forward block of a post-norm layer cannot be parallel', {
      hint: 'Use norm: pre.',
    });
  }
}
