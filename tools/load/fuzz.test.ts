import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { createScheduler, type Scheduler } from '@t2r/generation';
import { buildLanguageModel, initialWeights } from '@t2r/models';
import { type CompletionServer, createCompletionServer } from '@t2r/server';
import { trainByteLevelBpe } from '@t2r/tokenizers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent, send } from './client.js';
import { fuzzedRequest } from './requests.js';

let engine: Engine;
let scheduler: Scheduler;
let server: CompletionServer;
let url: string;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
  const tokenizer = await trainByteLevelBpe(['Once upon a time'], { vocab: 260 });
  const model = buildLanguageModel(
    {
      use: 'decoder-lm',
      vocab: tokenizer.vocabSize,
      layers: 1,
      dim: 16,
      heads: 2,
      ffn: 16,
      activation: 'relu',
      norm: 'pre',
      positions: 'sinusoidal',
      maxPositions: 64,
      tieOutput: true,
      scaleEmbedding: false,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.3,
      attention: [{ use: 't2r-mlp', features: 4 }],
    },
    createRegistry([attention]),
  );
  scheduler = await createScheduler({ model, weights: initialWeights(model, 7), tokenizer, engine, batch: 4 });
  server = createCompletionServer({ scheduler, model: 'tiny' });
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close({ withinMs: 0 });
  await scheduler.dispose();
  await engine.dispose();
});

test('400 malformed requests: an answer to each, none a failure of ours, and nothing is left over', async () => {
  const agent = createAgent();
  const found = new Set<number>();
  for (let at = 0; at < 400; at += 8) {
    await Promise.all(
      Array.from({ length: 8 }, async (_, i) => {
        const asked = fuzzedRequest(at + i);
        const { status, body } = await send(agent, Object.assign(new URL(url), { pathname: asked.path }), asked);
        found.add(status);
        expect([asked, status < 500]).toEqual([asked, true]);
        if (status >= 400 && asked.method !== 'HEAD') expect(JSON.parse(body).error.message).toBeTypeOf('string');
      }),
    );
  }
  expect([...found].sort()).toEqual(expect.arrayContaining([200, 400, 404, 415]));
  while (server.running > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  expect(scheduler.figures()).toMatchObject({ active: 0, waiting: 0, parked: 0 });
  agent.destroy();
});
