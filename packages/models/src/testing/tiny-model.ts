/** A small model for tests. */
import { softmaxAttention, t2rMlpAttention } from '@t2r/attention';
import { createLanguageModel } from '../decoder-lm.js';
import type { LanguageModel, LmConfig } from '../types.js';

export const TINY: LmConfig = {
  use: 'decoder-lm',
  vocab: 7,
  layers: 2,
  dim: 8,
  heads: 2,
  ffn: 12,
  activation: 'relu',
  norm: 'pre',
  positions: 'learned',
  maxPositions: 10,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
  attention: [{ use: 't2r-mlp', features: 3 }, { use: 'softmax' }],
};

/** A T2R layer below a softmax layer. */
export function tinyModel(options: Partial<LmConfig> = {}): LanguageModel {
  const t2r = { features: 3, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 4 } as const;
  return createLanguageModel({ ...TINY, ...options }, [t2rMlpAttention(t2r), softmaxAttention()]);
}
