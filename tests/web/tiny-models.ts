/** Exported folders of models small enough for a test, and the checkpoints they come from. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import enginePlugin, { type Engine } from '@t2r/engine';
import { exportCheckpoint } from '@t2r/export';
import { buildLanguageModel, initialParameter, type LmConfig } from '@t2r/models';
import { trainByteLevelBpe } from '@t2r/tokenizers';
import { saveCheckpoint } from '@t2r/zoo';

export const registry = createRegistry([attention, enginePlugin]);

const TEXT = 'the cat sat on the mat; the dog sat on the log. A bird saw them, and sang of cat, dog, mat and log.';

export interface TinyModel {
  checkpoint: string;
  exported: string;
}

/** Two layers of one attention variant, random weights, sinusoidal positions. */
export async function tinyModel(folder: string, engine: Engine, spec: ComponentSpec, seed = 3): Promise<TinyModel> {
  const config: LmConfig = {
    use: 'decoder-lm',
    vocab: 320,
    layers: 2,
    dim: 32,
    heads: 2,
    ffn: 48,
    activation: 'relu',
    norm: 'pre',
    positions: 'sinusoidal',
    maxPositions: 64,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.5,
    attention: [spec, spec],
  };
  const checkpoint = join(folder, 'checkpoint');
  await mkdir(checkpoint, { recursive: true });
  const tokenizer = await trainByteLevelBpe([TEXT], { vocab: config.vocab, specialTokens: ['<|endoftext|>'] });
  const tokenizerPath = join(folder, 'trained.json');
  await tokenizer.save(tokenizerPath);
  const weights = Object.fromEntries(
    buildLanguageModel(config, registry)
      .parameters()
      .map((parameter) => [parameter.name, { shape: parameter.shape, data: initialParameter(parameter, seed) }]),
  );
  await saveCheckpoint(checkpoint, {
    config: { format: 't2r-checkpoint', version: 1, model: config },
    weights,
    tokenizerPath,
  });
  const exported = join(folder, 'exported');
  await exportCheckpoint(checkpoint, {
    to: exported,
    engine,
    context: registry,
    chunk: 16,
    capacity: 256,
    name: spec.use,
  });
  return { checkpoint, exported };
}
