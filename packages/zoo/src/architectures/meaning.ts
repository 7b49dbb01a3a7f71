/** What a configuration means, so that two ways of writing one can be compared. */
import { type Attention, softmaxAttention, softmaxWindowAttention } from '@t2r/attention';
import { UserError } from '@t2r/core';
import type { LmConfig, ModelConfig, TranslationConfig } from '@t2r/models';
import type { Architecture, JsonObject } from './types.js';

/** The attention that models of other projects have. @throws UserError naming a layer with another one */
export function unconverted(attention: LmConfig['attention']): Attention[] {
  return attention.map(({ use, window }, layer) => {
    if (use === 'softmax') return softmaxAttention();
    if (use === 'softmax-window') return softmaxWindowAttention({ window: window as number });
    throw new UserError(`layer ${layer} has attention ${use}, which no other project's format can hold`, {
      hint: 'Only models with softmax attention can be written for transformers.',
    });
  });
}

/** Fields that training or decoding alone reads, and those a model may have without using them. */
const WITHOUT_EFFECT = new Set([
  'dropout',
  'attentionDropout',
  'activationDropout',
  'layerDrop',
  'initStd',
  'init',
  'initScale',
  'tokens',
]);

/** What both kinds of models may leave out, filled in. */
function common(config: ModelConfig): JsonObject {
  const { biases = {}, positions, sinusoids = 'tensor2tensor' } = config;
  return {
    ...config,
    normKind: config.normKind ?? 'layer',
    normEpsilon: config.normEpsilon ?? 1e-5,
    gated: config.gated ?? false,
    biases: [biases.qkv ?? true, biases.out ?? true, biases.ffn ?? true],
    outputBias: config.outputBias ?? false,
    embeddingNorm: config.embeddingNorm ?? false,
    positionOffset: config.positionOffset ?? 0,
    finalNorm: config.norm === 'pre' && (config.finalNorm ?? true),
    sinusoids: positions === 'sinusoidal' ? sinusoids : undefined,
  };
}

function ofLanguageModel(config: LmConfig): JsonObject {
  const { heads, dim, rotary = {}, positions } = config;
  return {
    ...common(config),
    kvHeads: config.kvHeads ?? heads,
    headDim: config.headDim ?? dim / heads,
    parallelResidual: config.parallelResidual ?? false,
    embedDim: config.embedDim ?? dim,
    rotary:
      positions === 'rotary'
        ? [rotary.base ?? 10_000, rotary.fraction ?? 1, rotary.pairs ?? 'halves', rotary.scaling]
        : undefined,
  };
}

function ofTranslationModel(config: TranslationConfig): JsonObject {
  const size = ({ layers, heads, ffn }: TranslationConfig['encoder']) => ({ layers, heads, ffn });
  return {
    ...common(config),
    sourceVocab: config.sourceVocab ?? config.vocab,
    encoder: size(config.encoder),
    decoder: size(config.decoder),
  };
}

/** What a configuration means, absent fields filled in. */
const meaning = (config: ModelConfig): JsonObject =>
  config.use === 'decoder-lm' ? ofLanguageModel(config) : ofTranslationModel(config);

/** @throws UserError naming what the architecture has no word for */
export function checkMeaning(architecture: Architecture<ModelConfig>, config: ModelConfig, written: JsonObject): void {
  // Families that are written say all in their config.json, so that reading one waits for nothing.
  const [wanted, got] = [meaning(config), meaning(architecture.read(written) as ModelConfig)];
  const lost = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter(
    (key) => !WITHOUT_EFFECT.has(key) && JSON.stringify(wanted[key]) !== JSON.stringify(got[key]),
  );
  if (lost.length === 0) return;
  const own: JsonObject = { ...config };
  const shown = lost.map((key) => `${key}: ${JSON.stringify(own[key] ?? wanted[key])}`);
  throw new UserError(`a ${architecture.name} model cannot have ${shown.join(', ')}`, {
    hint: 'Write it in the format of another architecture, or as a checkpoint of this project.',
  });
}
