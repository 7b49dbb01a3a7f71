import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry } from '@t2r/core';
import type { TranslationConfig } from '@t2r/models';
import { expect, onTestFinished, test } from 'vitest';
import { runContext, writeCheckpoint } from '../__fixtures__/run-context.js';
import { plugin } from '../plugin.js';
import { runTranslationSpeed, type TranslationSpeedData } from './run-speed.js';
import { translationSpeedSchema } from './speed-step.js';

const config = (attention: TranslationConfig['attention'], cross: TranslationConfig['cross']): TranslationConfig => ({
  use: 'encoder-decoder',
  vocab: 13,
  dim: 8,
  encoder: { layers: 1, heads: 2, ffn: 12 },
  decoder: { layers: 1, heads: 2, ffn: 12 },
  activation: 'relu',
  norm: 'pre',
  positions: 'learned',
  maxPositions: 12,
  shareEmbeddings: true,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.6,
  attention,
  cross,
  tokens: { start: 0, end: 2, padding: 0 },
});

test('each checkpoint is measured at each length and batch, with bytes of state by the formula', async () => {
  const folder = await mkdtemp(join(tmpdir(), 't2r-translation-speed-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const t2r = (features: number) => [{ use: 't2r-mlp', features }];
  const rnn = await writeCheckpoint(folder, 'rnn', { config: config(t2r(2), t2r(3)) });
  const cache = await writeCheckpoint(folder, 'cache', { config: config([{ use: 'softmax' }], [{ use: 'softmax' }]) });
  const { context, messages } = runContext(folder, [rnn, cache]);
  const options = translationSpeedSchema.parse({
    of: [{ step: 'rnn' }, { step: 'cache' }],
    lengths: [8, 4, 16],
    batches: [1, 3],
    rounds: 2,
  });
  const { metrics, data } = await runTranslationSpeed(options, context);
  const { translationSpeed, protocols } = data as TranslationSpeedData;
  expect(translationSpeed.map(({ step, batch, length }) => `${step} ${length}x${batch}`)).toEqual(
    ['rnn', 'cache'].flatMap((step) => ['4x1', '8x1', '4x3', '8x3'].map((point) => `${step} ${point}`)),
  );
  for (const { step, batch, length, tokensPerSecond, stateBytes } of translationSpeed) {
    expect(tokensPerSecond).toBeGreaterThan(0);
    expect(metrics![`${step}.tokens_per_s@${length}x${batch}`]).toBe(tokensPerSecond);
    expect(metrics![`${step}.state_bytes@${length}x${batch}`]).toBe(stateBytes);
    // T2R: 2 heads of k x 4 and k in both attentions; softmax: k and v of width 8 of target and source, and the mask.
    expect(stateBytes).toBe(4 * (step === 'rnn' ? 2 * (2 + 3) * 5 : 2 * 8 * 2 * length + length));
  }
  expect(messages).toContain('warning: rnn: lengths 16 are skipped; its learned positions end at 12');
  expect(protocols[0]).toEqual({
    step: 'rnn',
    text: 'translate|engine:cpu|beam:1|length:forced, source as long|rounds:2|median',
  });
  const promised = createRegistry([plugin]).create('step', { use: 'evaluate/translation-speed', ...options })
    .metricNames!();
  expect(promised).toEqual(expect.arrayContaining(Object.keys(metrics!)));
});
