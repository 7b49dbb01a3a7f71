/**
 * Decoding speed against position. On a noisy machine two measurements minutes apart cannot be compared, so an RNN is
 * measured at all positions in turn, in many short rounds, from states saved on one long run; the figure is the median
 * over single tokens.
 */
import { performance } from 'node:perf_hooks';
import { createRandom } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { argmax, type GeneratorSnapshot, type TextGenerator } from '@t2r/generation';
import type { LanguageModel } from '@t2r/models';
import { median } from './statistics.js';

export interface DecodingSpeedOptions {
  /** Numbers of tokens in the state when timing begins, ascending; a little earlier where learned positions end. */
  positions: readonly number[];
  /** Tokens timed at a position in each round. */
  tokens: number;
  /** Tokens decoded, untimed, before those. */
  warmup: number;
  rounds: number;
  seed: number;
  signal?: AbortSignal;
  /** Called after each token or so with the tokens decoded and those there are to decode. */
  onProgress?: (done: number, total: number) => void;
}

/** What was measured at a position, for one sequence. */
export interface DecodingPoint {
  position: number;
  /** 1 / the median time of a token, which includes choosing it (greedily) on the host. */
  tokensPerSecond: number;
  stateBytes: number;
  /** Resident memory of the whole process with that state. */
  rssBytes: number;
}

export interface DecodingSpeed {
  points: DecodingPoint[];
  /** Positions left out because the model's learned positions end before. */
  skipped: number[];
  /** How the state came about: every token before the position was decoded, or the cache was filled with noise. */
  state: 'decoded' | 'placed';
}

/** Tokens between progress reports. */
const PROGRESS_EVERY = 64;

/**
 * Measures a generator of batch 1. An RNN really decodes up to the last position. A model with growing caches would need
 * time quadratic in it, and its speed does not depend on what the cache holds: there the cache is placed at each position,
 * filled with uniform noise, and the positions follow one another, because each has programs of its own capacity.
 */
export async function measureDecoding(
  generator: TextGenerator,
  { positions, tokens, warmup, rounds, seed, signal, onProgress }: DecodingSpeedOptions,
): Promise<DecodingSpeed> {
  const { model } = generator;
  // Near the end of learned positions the window moves back to end with them.
  const from = (position: number) => Math.min(position, generator.maxPositions - tokens);
  const begin = (position: number) => Math.max(1, from(position) - warmup);
  const window = (position: number) => from(position) - begin(position) + tokens;
  const measured = positions.filter((position) => position <= generator.maxPositions && from(position) >= 1);
  const skipped = positions.filter((position) => !measured.includes(position));
  const longest = from(measured.at(-1) ?? 0);
  const total = measured.reduce((sum, p) => sum + rounds * window(p), model.recurrent ? longest : 0);
  let done = 0;

  /** Decodes greedily up to a number of tokens in the state; the time of each goes to `times`. */
  const decode = async (until: number, logits: Float32Array, times?: number[]): Promise<Float32Array> => {
    let current = logits;
    while (generator.position < until) {
      signal?.throwIfAborted();
      const start = performance.now();
      current = await generator.next(argmax(current));
      times?.push(performance.now() - start);
      if (++done % PROGRESS_EVERY === 0) onProgress?.(done, total);
    }
    return current;
  };

  generator.reset();
  const firstId = createRandom(seed, 'decoding-speed').integer(model.config.vocab);
  const rss = new Map<number, number>();
  const states = new Map<number, GeneratorSnapshot>();
  if (model.recurrent) {
    let logits = await generator.next(firstId);
    for (const position of measured) {
      logits = await decode(begin(position), logits);
      states.set(position, generator.save());
      logits = await decode(from(position), logits);
      rss.set(position, process.memoryUsage.rss());
    }
  }

  const times = new Map<number, number[]>(measured.map((position) => [position, []]));
  const measure = async (position: number, state: GeneratorSnapshot) => {
    await generator.restore(state);
    const logits = await decode(from(position), oneHot(model.config.vocab, firstId));
    await decode(from(position) + tokens, logits, times.get(position));
  };
  if (model.recurrent) {
    for (let round = 0; round < rounds; round++) {
      // Each position comes first, second, ... equally often, so that what runs before a window favours none.
      const order = measured.map((_, i) => measured[(i + round) % measured.length]!);
      for (const position of order) await measure(position, states.get(position)!);
    }
  } else {
    for (const position of measured) {
      const state = placedState(model, begin(position), seed);
      for (let round = 0; round < rounds; round++) await measure(position, state);
      rss.set(position, process.memoryUsage.rss());
    }
  }

  const points = measured.map((position) => ({
    position,
    tokensPerSecond: 1000 / median(times.get(position)!),
    stateBytes: model.stateBytes(position),
    rssBytes: rss.get(position)!,
  }));
  return { points, skipped, state: model.recurrent ? 'decoded' : 'placed' };
}

/** A state at a position without the tokens before it: every tensor uniform noise in [0, 1). */
function placedState(model: LanguageModel, position: number, seed: number): GeneratorSnapshot {
  const random = createRandom(seed, 'placed-state', position);
  const state = model.state(1, position).map(({ name, shape }) => {
    return [name, { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => random.uniform()) }] as const;
  });
  return { position, state: Object.fromEntries(state) };
}

/** Logits whose greedy choice is `id`. */
function oneHot(vocab: number, id: number): Float32Array {
  const logits = new Float32Array(vocab);
  logits[id] = 1;
  return logits;
}
