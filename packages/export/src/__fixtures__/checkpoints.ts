/** Checkpoint folders of models small enough to export in a test. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import enginePlugin from '@t2r/engine';
import { buildModel, initialParameter, type LmConfig, type ModelConfig, type TranslationConfig } from '@t2r/models';
import { trainByteLevelBpe } from '@t2r/tokenizers';
import { saveCheckpoint } from '@t2r/zoo';

export const registry = createRegistry([attention, enginePlugin]);

export const VOCAB = 280;

const common = {
  vocab: VOCAB,
  dim: 16,
  activation: 'relu',
  norm: 'pre',
  maxPositions: 64,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.5,
} as const;

/** Two layers, sinusoidal positions. */
export function languageConfig(specs: ComponentSpec[], rest: Partial<LmConfig> = {}): LmConfig {
  return {
    ...common,
    use: 'decoder-lm',
    layers: 2,
    heads: 2,
    ffn: 24,
    positions: 'sinusoidal',
    attention: specs,
    ...rest,
  };
}

/** One layer in the encoder, two in the decoder. */
export function translationConfig(specs: ComponentSpec[], cross: ComponentSpec[]): TranslationConfig {
  return {
    ...common,
    use: 'encoder-decoder',
    encoder: { layers: 1, heads: 2, ffn: 24 },
    decoder: { layers: 2, heads: 2, ffn: 24 },
    positions: 'sinusoidal',
    shareEmbeddings: true,
    attention: specs,
    cross,
    tokens: { start: 0, end: 0, padding: 1 },
  };
}

/** Writes a checkpoint with random weights and a byte-level tokenizer, and gives its folder. */
export async function writeCheckpoint(folder: string, config: ModelConfig): Promise<string> {
  await mkdir(folder, { recursive: true });
  const tokenizer = await trainByteLevelBpe(['the cat sat on the mat; the dog sat on the log'], {
    vocab: VOCAB,
    specialTokens: ['<|endoftext|>'],
  });
  const tokenizerPath = join(folder, 'trained.json');
  await tokenizer.save(tokenizerPath);
  const weights = Object.fromEntries(
    buildModel(config, registry)
      .parameters()
      .map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, 3) }]),
  );
  await saveCheckpoint(folder, {
    config: { format: 't2r-checkpoint', version: 1, model: config },
    weights,
    tokenizerPath,
  });
  return folder;
}
