import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, createRegistry } from '@t2r/core';
import type { TokensData } from '@t2r/datasets';
import { openEngine } from '@t2r/engine';
import { createGenerator, logProbability } from '@t2r/generation';
import { loadCheckpoint } from '@t2r/zoo';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runContext, tinyConfig, tinyModel, writeCheckpoint, writeSplit } from './__fixtures__/run-context.js';
import { type PerplexityOptions, perplexitySchema } from './perplexity-schema.js';
import { plugin } from './plugin.js';
import { type PerplexityData, runPerplexity } from './run-perplexity.js';

const random = createRandom('perplexity');
const ids = Int32Array.from({ length: 18 }, () => random.integer(tinyConfig.vocab));
const bytes = 71;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-perplexity-'));
});
afterAll(() => rm(folder, { recursive: true }));

const options = (given: Record<string, unknown>): PerplexityOptions =>
  perplexitySchema.parse({ data: { step: 'tokens' }, splits: ['test'], batch: 2, ...given });

/** -log p of each token but the first, one step at a time from windows that begin where the protocol says. */
async function stepwise(checkpoint: string, window: number, stride: number, text = ids): Promise<number[]> {
  const engine = await openEngine('cpu');
  const { weights } = await loadCheckpoint(checkpoint);
  const generator = createGenerator({ model: tinyModel(tinyConfig), weights, engine });
  const losses: number[] = [];
  for (let target = 1; target < text.length; target++) {
    // The first window that reaches the target is the one that scores it.
    const index = Math.max(0, Math.ceil((target - window) / stride));
    generator.reset();
    let logits = new Float32Array();
    for (let t = index * stride; t < target; t++) logits = (await generator.next(text[t]!)) as typeof logits;
    losses.push(-logProbability(logits, text[target]!));
  }
  return losses;
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

describe('evaluate/perplexity', () => {
  test('a model without knowledge has the vocabulary as its perplexity', async () => {
    const artifacts = [
      await writeCheckpoint(folder, 'zero', { zero: true }),
      await writeSplit(folder, 'test', ids, bytes),
    ];
    const { context } = runContext(folder, artifacts);
    const { metrics } = await runPerplexity(options({ of: [{ step: 'zero' }], window: 8 }), context);
    expect(metrics!['zero.test']).toBeCloseTo(11, 4);
    expect(metrics!['zero.test.bits_per_byte']).toBeCloseTo((17 * Math.log2(11)) / bytes, 5);
  });

  test.each([
    [8, 8],
    [8, 3],
    [64, 64],
  ])('window %i, stride %i: every token but the first is scored once, in its context', async (window, stride) => {
    const checkpoints = [
      await writeCheckpoint(folder, 'a', { seed: 1 }),
      await writeCheckpoint(folder, 'b', { seed: 2 }),
    ];
    const { context, messages } = runContext(folder, [...checkpoints, await writeSplit(folder, 'test', ids, bytes)]);
    const given = options({ of: [{ step: 'a' }, { step: 'b' }], window, stride });
    const { metrics, data } = await runPerplexity(given, context);
    for (const { id, folder: checkpoint } of checkpoints) {
      const nats = sum(await stepwise(checkpoint, window, stride));
      expect(metrics![`${id}.test.nats_per_token`]).toBeCloseTo(nats / 17, 5);
      expect(metrics![`${id}.test`]! / Math.exp(nats / 17)).toBeCloseTo(1, 4);
      expect(metrics![`${id}.test.bits_per_byte`]).toBeCloseTo(nats / Math.LN2 / bytes, 5);
    }
    const { rows, protocols } = data as PerplexityData;
    expect(rows.map(({ step, split }) => `${step}.${split}`)).toEqual(['a.test', 'b.test']);
    const most = Math.min(window, 17);
    expect(protocols.test!.text).toBe(
      `ppl|unit:word|vocab:11|window:${window}|stride:${stride}|scored:17/18|bytes:71|context:1-${most}`,
    );
    expect(messages).toContain(`test: ${protocols.test!.text}`);
    const step = createRegistry([plugin]).create('step', { use: 'evaluate/perplexity', ...given });
    expect([...step.metricNames!()].sort()).toEqual(Object.keys(metrics!).sort());
  });

  test('with a start before the text every token of it is scored', async () => {
    const { context } = runContext(folder, [
      await writeCheckpoint(folder, 'c', { seed: 1 }),
      await writeSplit(folder, 'test', ids, bytes, '</s>'),
    ]);
    const { metrics, data } = await runPerplexity(options({ of: [{ step: 'c' }], window: 8, stride: 4 }), context);
    // The split's first id is the start, so its 17 others are the text, as they are without one.
    const nats = sum(await stepwise(join(folder, 'c'), 8, 4));
    expect(metrics!['c.test.nats_per_token']).toBeCloseTo(nats / 17, 5);
    expect((data as PerplexityData).protocols.test!.text).toBe(
      'ppl|unit:word|vocab:11|window:8|stride:4|scored:17/17|bytes:71|context:1-8|start:</s>',
    );
  });

  test('documents are scored each on its own, from its first token on', async () => {
    const artifact = await writeSplit(folder, 'test', ids, bytes, '</s>');
    // 18 ids as three documents; what ends one begins the next.
    const lengths = [5, 12, 3];
    const split = (artifact.data as TokensData).splits.test!;
    split.documents = lengths.length;
    split.lengths = { file: 'test.lengths.bin', overlap: 1 };
    const file = Buffer.alloc(12);
    for (const [i, length] of lengths.entries()) file.writeUInt32LE(length, 4 * i);
    await writeFile(join(folder, 'test.lengths.bin'), file);
    const { context } = runContext(folder, [await writeCheckpoint(folder, 'd', { seed: 1 }), artifact]);
    const given = options({ of: [{ step: 'd' }], window: 8, documents: 'separate' });
    const { metrics, data } = await runPerplexity(given, context);
    let nats = 0;
    for (const [begin, length] of [
      [0, 5],
      [4, 12],
      [15, 3],
    ] as const)
      nats += sum(await stepwise(join(folder, 'd'), 8, 8, ids.subarray(begin, begin + length)));
    expect(metrics!['d.test.nats_per_token']).toBeCloseTo(nats / 17, 5);
    expect((data as PerplexityData).protocols.test!.text).toBe(
      'ppl|unit:word|vocab:11|window:8|stride:8|scored:17/17|bytes:71|context:1-8|start:</s>|documents:3',
    );
    split.lengths = undefined;
    await expect(runPerplexity(given, context)).rejects.toThrow(/does not tell its documents apart/);
  });

  test('windows that the model or the data cannot fill are refused by name', async () => {
    const learned = { ...tinyConfig, positions: 'learned' as const };
    const artifacts = [
      await writeCheckpoint(folder, 'learned', { config: learned }),
      await writeCheckpoint(folder, 'small', { config: { ...tinyConfig, vocab: 7 } }),
      await writeSplit(folder, 'test', ids, bytes),
    ];
    const { context } = runContext(folder, artifacts);
    const run = (given: Record<string, unknown>) => runPerplexity(options(given), context);
    await expect(run({ of: [{ step: 'learned' }], window: 17 })).rejects.toThrow(
      /window 17 .* 16 learned positions of learned/,
    );
    await expect(run({ of: [{ step: 'small' }], window: 8 })).rejects.toThrow(
      /small has a vocabulary of 7, the data one of 11/,
    );
    await expect(run({ of: [{ step: 'small' }], splits: ['dev'] })).rejects.toThrow(/no split "dev"/);
    expect(() => options({ of: [{ step: 'small' }], window: 8, stride: 9 })).toThrow(/stride is larger than window/);
  });
});
