/** Continuous batching: tokens a second of the scheduler with 1, 2, 4, ... sequences side by side. */
import { median } from '@t2r/evaluators';
import { createScheduler, type Scheduler } from '@t2r/generation';
import { initialWeights } from '@t2r/models';
import type { BenchCase, Figure } from './cases.js';
import { model, peakMemory, t2r, withEngine } from './language-models.js';

/** Sequences side by side at most; powers of two up to it are measured. */
const MOST = 16;
const ROUNDS = 5;

/** Milliseconds in which `count` greedy sequences make `tokens` tokens each, from prompts of one token. */
async function together(scheduler: Scheduler, count: number, tokens: number): Promise<number> {
  const started = performance.now();
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const choices = [{ maxTokens: tokens, temperature: 0 }];
      for (const sequence of scheduler.submit({ prompt: [n + 1], choices })) for await (const _token of sequence);
    }),
  );
  return performance.now() - started;
}

/**
 * The decoding model by the scheduler, all that a token costs besides the connection: steps, choices and queues. Rounds go over
 * all sizes, so that a slow moment of the machine meets them alike. `speedup` is over one sequence.
 */
export const batch: BenchCase = async function* (sizes, { dtype }) {
  const { threads, ddim: dim, dheads: heads, dffn: ffn, dvocab: vocab, dlayers: layers, features, steps } = sizes;
  const figures = await withEngine({ threads }, async (engine): Promise<Figure[]> => {
    const lm = model(t2r(features), { dim, heads, ffn, vocab, layers, positions: 'none' });
    const scheduler = await createScheduler({ model: lm, weights: initialWeights(lm, 1), engine, batch: MOST, dtype });
    const counts: number[] = [];
    for (let count = 1; count <= MOST; count *= 2) counts.push(count);
    const times = counts.map((): number[] => []);
    // As many as a request makes: the prompt of a sequence is read alone, and costs as much as four steps of sixteen.
    const tokens = 20 * steps;
    for (let round = -1; round < ROUNDS; round++) {
      for (const [at, count] of counts.entries()) {
        const ms = (await together(scheduler, count, tokens)) / tokens;
        if (round >= 0) times[at]!.push(ms);
      }
    }
    await scheduler.dispose();
    const programs = scheduler.sizes.join(',');
    const alone = median(times[0]!);
    return counts.map((count, at) => {
      const ms = median(times[at]!);
      return {
        case: 'batch',
        dtype,
        threads,
        batch: count,
        programs,
        ms,
        min_ms: Math.min(...times[at]!),
        tokens_per_s: count / (ms / 1000),
        speedup: (count * alone) / ms,
        peak_rss_bytes: peakMemory(),
      };
    });
  });
  yield* figures;
};
