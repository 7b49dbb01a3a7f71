/** What a configuration means, so that two ways of writing one can be compared. */
import { type Attention, softmaxAttention, softmaxWindowAttention } from '@t2r/attention';
import { UserError } from '@t2r/core';
import type { LmConfig } from '@t2r/models';
import type { Architecture, JsonObject } from './types.js';

/** The attention that models of other projects have. @throws UserError naming a layer with another one */
export function unconverted(config: LmConfig): Attention[] {
  return config.attention.map(({ use, window }, layer) => {
    if (use === 'softmax') return softmaxAttention();
    if (use === 'softmax-window') return softmaxWindowAttention({ window: window as number });
    throw new UserError(`layer ${layer} has attention ${use}, which no other project's format can hold`, {
      hint: 'Only models with softmax attention can be written for transformers.',
    });
  });
}

/** Fields that training alone reads, and those a model may have without using them. */
const WITHOUT_EFFECT = new Set([
  'dropout',
  'attentionDropout',
  'activationDropout',
  'layerDrop',
  'initStd',
  'init',
  'initScale',
]);

/** What a configuration means, absent fields filled in. */
function meaning(config: LmConfig): JsonObject {
  const { heads, dim, rotary = {}, biases = {}, positions, sinusoids = 'tensor2tensor' } = config;
  return {
    ...config,
    kvHeads: config.kvHeads ?? heads,
    headDim: config.headDim ?? dim / heads,
    normKind: config.normKind ?? 'layer',
    normEpsilon: config.normEpsilon ?? 1e-5,
    parallelResidual: config.parallelResidual ?? false,
    gated: config.gated ?? false,
    biases: [biases.qkv ?? true, biases.out ?? true, biases.ffn ?? true],
    outputBias: config.outputBias ?? false,
    embedDim: config.embedDim ?? dim,
    positionOffset: config.positionOffset ?? 0,
    finalNorm: config.norm === 'pre' && (config.finalNorm ?? true),
    sinusoids: positions === 'sinusoidal' ? sinusoids : undefined,
    rotary:
      positions === 'rotary'
        ? [rotary.base ?? 10_000, rotary.fraction ?? 1, rotary.pairs ?? 'halves', rotary.scaling]
        : undefined,
  };
}

/** @throws UserError naming what the architecture has no word for */
export function checkMeaning(architecture: Architecture, config: LmConfig, written: JsonObject): void {
  // Families that are written say all in their config.json, so that reading one waits for nothing.
  const [wanted, got] = [meaning(config), meaning(architecture.read(written) as LmConfig)];
  const lost = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter(
    (key) => !WITHOUT_EFFECT.has(key) && JSON.stringify(wanted[key]) !== JSON.stringify(got[key]),
  );
  if (lost.length === 0) return;
  const shown = lost.map((key) => `${key}: ${JSON.stringify(config[key as keyof LmConfig] ?? wanted[key])}`);
  throw new UserError(`a ${architecture.name} model cannot have ${shown.join(', ')}`, {
    hint: 'Write it in the format of another architecture, or as a checkpoint of this project.',
  });
}
