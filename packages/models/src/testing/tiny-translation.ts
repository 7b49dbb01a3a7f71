/** A small encoder-decoder for tests. */
import { softmaxAttention, t2rMlpAttention } from '@t2r/attention';
import { createTranslationModel } from '../encoder-decoder.js';
import type { TranslationConfig, TranslationModel } from '../translation-types.js';

export const TINY_TRANSLATION: TranslationConfig = {
  use: 'encoder-decoder',
  vocab: 7,
  dim: 8,
  encoder: { layers: 2, heads: 2, ffn: 12 },
  decoder: { layers: 2, heads: 4, ffn: 10 },
  activation: 'relu',
  norm: 'pre',
  positions: 'sinusoidal',
  maxPositions: 10,
  shareEmbeddings: true,
  tieOutput: true,
  scaleEmbedding: true,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
  attention: [{ use: 't2r-mlp', features: 3 }, { use: 'softmax' }],
  cross: [{ use: 't2r-mlp', features: 3 }, { use: 'softmax' }],
};

/** T2R below softmax, in self- and cross-attention. */
export function tinyTranslation(options: Partial<TranslationConfig> = {}): TranslationModel {
  const t2r = { features: 3, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 4 } as const;
  const layers = () => [t2rMlpAttention(t2r), softmaxAttention()];
  return createTranslationModel({ ...TINY_TRANSLATION, ...options }, layers(), layers());
}
