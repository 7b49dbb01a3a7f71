/**
 * Translation speed against length, with random sources and as long targets, as the paper simulates it (section 4.3): the
 * decoder is kept from ending before the length is reached.
 */
import { performance } from 'node:perf_hooks';
import { createRandom } from '@t2r/core';
import type { BeamSearch } from '@t2r/generation';
import type { TranslationModel } from '@t2r/models';
import { median } from '../statistics.js';

/** A model to measure, and how to get a beam search with it. */
export interface TranslatingSubject {
  model: TranslationModel;
  open(options: { batch: number }): BeamSearch;
}

export interface TranslatingSpeedOptions {
  /** Tokens of source and target, ascending. */
  lengths: readonly number[];
  /** Sentences side by side. Default 1. */
  batch?: number;
  /** Times that each length is translated, after one that is not timed; once where that takes over 20 seconds. */
  rounds: number;
  seed: number;
  signal?: AbortSignal;
  /** Called after each translation with the tokens done and those there are. */
  onProgress?: (done: number, total: number) => void;
}

/** What was measured at a length. */
export interface TranslatingPoint {
  length: number;
  /** Of all sentences together, reading the sources included; the median of the rounds. */
  tokensPerSecond: number;
  /** Of one sentence at the last token, what was made of the source included. */
  stateBytes: number;
  /** Resident memory of the whole process. */
  rssBytes: number;
}

export interface TranslatingSpeed {
  batch: number;
  points: TranslatingPoint[];
  /** Lengths past learned positions. */
  skipped: number[];
}

/** A translation that takes longer than this is not repeated. */
const LONG_SECONDS = 20;

/**
 * Measures a model with beam 1. An RNN has one program for all lengths, so that these take turns, as in `measureDecoding`; of
 * a model with growing caches one length follows the other.
 */
export async function measureTranslating(
  { model, open }: TranslatingSubject,
  { lengths, batch = 1, rounds, seed, signal, onProgress }: TranslatingSpeedOptions,
): Promise<TranslatingSpeed> {
  const { positions, maxPositions, vocab, sourceVocab = vocab } = model.config;
  const last = positions === 'learned' ? maxPositions : Number.POSITIVE_INFINITY;
  const measured = lengths.filter((length) => length <= last);
  const skipped = lengths.filter((length) => length > last);
  const total = measured.reduce((sum, length) => sum + batch * length * (rounds + 1), 0);
  let done = 0;

  const random = createRandom(seed, 'translating-speed');
  const sources = new Map(
    measured.map((length) => {
      const source = () => Int32Array.from({ length }, () => random.integer(sourceVocab));
      return [length, Array.from({ length: batch }, source)];
    }),
  );
  const times = new Map<number, number[]>(measured.map((length) => [length, []]));
  const rss = new Map<number, number>();
  const search = open({ batch });
  const translate = async (length: number, timed: boolean) => {
    const started = performance.now();
    await search.search(sources.get(length)!, {
      beam: 1,
      maxTokens: length,
      minTokens: length,
      atLimit: 'cut',
      signal,
    });
    if (timed) times.get(length)!.push(performance.now() - started);
    rss.set(length, process.memoryUsage.rss());
    done += batch * length;
    onProgress?.(done, total);
  };
  try {
    if (model.recurrent) {
      for (const length of measured) await translate(length, false);
      for (let round = 0; round < rounds; round++) {
        const order = measured.map((_, i) => measured[(i + round) % measured.length]!);
        for (const length of order) await translate(length, true);
      }
    } else {
      for (const length of measured) {
        const started = performance.now();
        await translate(length, false);
        const seconds = (performance.now() - started) / 1000;
        // Of a long translation compiling is a few percent, and it is not worth the time to have it once more.
        if (seconds > LONG_SECONDS) times.get(length)!.push(seconds * 1000);
        else for (let round = 0; round < rounds; round++) await translate(length, true);
      }
    }
  } finally {
    await search.dispose();
  }
  const points = measured.map((length) => ({
    length,
    tokensPerSecond: (batch * length * 1000) / median(times.get(length)!),
    stateBytes: model.stateBytes(length, length),
    rssBytes: rss.get(length)!,
  }));
  return { batch, points, skipped };
}
