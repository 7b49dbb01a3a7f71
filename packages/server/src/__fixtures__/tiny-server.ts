/** A server for a tiny model over bytes, on a free port of the loopback interface. */
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import { createScheduler, type Scheduler, type SchedulerOptions } from '@t2r/generation';
import { buildLanguageModel, initialWeights } from '@t2r/models';
import type { Tokenizer } from '@t2r/tokenizers';
import type { ServerOptions } from '../options.js';
import { type CompletionServer, createCompletionServer } from '../server.js';

export const END = 256;
const utf8 = new TextEncoder();

/** A token a byte, and one that ends a text. */
export const byteTokenizer: Tokenizer = {
  algorithm: 'bytes',
  vocabSize: 257,
  unit: 'byte',
  endOfText: END,
  encode: (text) => Int32Array.from(utf8.encode(text)),
  decode: (ids) => new TextDecoder().decode(Uint8Array.from(Array.from(ids).filter((id) => id < END))),
  idToToken: (id) => String(id),
  tokenToId: (token) => Number(token),
  cutPoint: (text) => text.length,
  bytes: (id) => (id < END ? Uint8Array.of(id) : new Uint8Array(0)),
  save: async () => {},
};

export interface TinyServer {
  url: string;
  server: CompletionServer;
  scheduler: Scheduler;
  /** Posts a body to /v1/completions. */
  complete(body: unknown, init?: RequestInit): Promise<Response>;
  /** Resolves when nothing is being made. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function openTinyServer(
  options: Partial<ServerOptions> = {},
  scheduling: Partial<SchedulerOptions> = {},
): Promise<TinyServer> {
  const engine = await openEngine('onnx', { threads: 1 });
  const model = buildLanguageModel(
    {
      use: 'decoder-lm',
      vocab: 257,
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
  const weights = initialWeights(model, 7);
  const scheduler = await createScheduler({
    model,
    weights,
    tokenizer: byteTokenizer,
    engine,
    batch: 4,
    ...scheduling,
  });
  const server = createCompletionServer({ scheduler, model: 'tiny', ...options });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    server,
    scheduler,
    complete: (body, init) =>
      fetch(`${url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    async idle() {
      for (;;) {
        const { active, waiting, parked } = scheduler.figures();
        if (active + waiting + parked + server.running === 0) return;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    async close() {
      await server.close({ withinMs: 0 });
      await scheduler.dispose();
      await engine.dispose();
    },
  };
}
