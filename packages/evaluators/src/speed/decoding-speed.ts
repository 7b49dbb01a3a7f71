/**
 * Decoding speed against position. On a noisy machine two measurements minutes apart cannot be compared, so an RNN is
 * measured at all positions in turn, in many short rounds, from states saved beforehand; the figure is the median over single
 * steps.
 */
import { performance } from 'node:perf_hooks';
import { createRandom, type Random } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { argmax, type GeneratorSnapshot, type TextGenerator } from '@t2r/generation';
import type { LanguageModel } from '@t2r/models';
import { median } from '../statistics.js';
import { availableMemory } from './memory.js';
import { readPrompt } from './read-prompt.js';

/** A model to measure, and how to get a generator of it. */
export interface DecodingSubject {
  model: LanguageModel;
  /** `capacity` is the number of positions that growing caches need room for. */
  open(options: { batch: number; capacity: number; chunk: number }): TextGenerator;
}

export interface DecodingSpeedOptions {
  /** Numbers of tokens in the state when timing begins, ascending; a little earlier where learned positions end. */
  positions: readonly number[];
  /** Sequences side by side. Default 1. */
  batch?: number;
  /** Steps timed at a position in each round. */
  tokens: number;
  /** Steps, untimed, before those. */
  warmup: number;
  rounds: number;
  seed: number;
  /**
   * How the state of an RNN comes about. `decode` (default): token by token, once, up to the last position. `read`: a
   * prompt of random tokens is read at once, and the time to the first token is measured with it; softmax models read
   * theirs too then.
   */
  reach?: 'decode' | 'read';
  /** With `read`: seconds that reading a prompt may take, as shorter ones let expect; longer ones are not read. Default 20. */
  readSeconds?: number;
  signal?: AbortSignal;
  /** Called after each step or so with the steps done and those there are. */
  onProgress?: (done: number, total: number) => void;
}

/** How a state came about: decoded token by token, read as a prompt, or filled with noise. */
export type StateOrigin = 'decoded' | 'read' | 'placed';

/** What was measured at a position. */
export interface DecodingPoint {
  position: number;
  /** Of all sequences together: batch / the median time of a step, which includes choosing tokens (greedily) on the host. */
  tokensPerSecond: number;
  /** Seconds from a prompt of that length to the first token of each sequence; absent where none was read. */
  firstTokenSeconds?: number;
  /** Of one sequence. */
  stateBytes: number;
  /** Resident memory of the whole process with that state. */
  rssBytes: number;
  state: StateOrigin;
}

export interface DecodingSpeed {
  batch: number;
  points: DecodingPoint[];
  /** Positions left out, because learned positions end before or the cache does not fit into memory. */
  skipped: { position: number; reason: 'positions' | 'memory' }[];
}

/** Steps between progress reports. */
const PROGRESS_EVERY = 64;

/** Positions of a prompt that are read at once. */
const CHUNK = 128;

/** A cache exists so many times while it is measured: in use, as the copy that rounds begin with, and on its way between. */
const CACHE_COPIES = 4;

/**
 * Measures a model. The cache of one that is not recurrent is made just large enough for each position, which is the most
 * that softmax attention can hope for; its positions follow one another, because each has programs of its own.
 */
export async function measureDecoding(
  { model, open }: DecodingSubject,
  options: DecodingSpeedOptions,
): Promise<DecodingSpeed> {
  const { positions, batch = 1, tokens, warmup, rounds, seed, reach = 'decode', readSeconds, signal } = options;
  const last = model.config.positions === 'learned' ? model.config.maxPositions : Number.POSITIVE_INFINITY;
  // Near the end of learned positions the window moves back to end with them.
  const from = (position: number) => Math.min(position, last - tokens);
  const begin = (position: number) => Math.max(1, from(position) - warmup);
  const fits = (position: number) =>
    model.recurrent || CACHE_COPIES * batch * model.stateBytes(position) < availableMemory();
  const reason = (position: number) => {
    if (position > last || from(position) < 1) return 'positions' as const;
    return fits(position) ? undefined : ('memory' as const);
  };
  const judged = positions.map((position) => ({ position, reason: reason(position) }));
  const skipped = judged.flatMap(({ position, reason: why }) => (why ? [{ position, reason: why }] : []));
  const measured = judged.flatMap(({ position, reason: why }) => (why ? [] : [position]));

  const window = (position: number) => from(position) - begin(position) + tokens;
  const decoded = model.recurrent && reach === 'decode' ? from(measured.at(-1) ?? 0) : 0;
  const total = measured.reduce((sum, position) => sum + rounds * window(position), decoded);
  let done = 0;

  const { vocab } = model.config;
  const random = createRandom(seed, 'decoding-speed');
  const firstId = random.integer(vocab);
  const ids = new Int32Array(batch);

  /** Decodes greedily up to a number of tokens in the state; the time of each step goes to `times`. */
  const decode = async (generator: TextGenerator, until: number, first: Float32Array, times?: number[]) => {
    let logits = first;
    while (generator.position < until) {
      signal?.throwIfAborted();
      const start = performance.now();
      for (let row = 0; row < batch; row++) ids[row] = argmax(logits.subarray(row * vocab, (row + 1) * vocab));
      logits = await generator.next(ids);
      times?.push(performance.now() - start);
      if (++done % PROGRESS_EVERY === 0) options.onProgress?.(done, total);
    }
    return logits;
  };
  const firstLogits = oneHot(vocab, batch, firstId);

  const found = new Map(measured.map((position) => [position, { times: [] as number[], rssBytes: 0 } as Found]));
  let read: { length: number; seconds: number } | undefined;

  /** The state at the beginning of a window: read as a prompt where that is asked for and quick enough, or noise. */
  const arrive = async (generator: TextGenerator, position: number): Promise<GeneratorSnapshot> => {
    const at = found.get(position)!;
    const length = begin(position);
    const expected = read && read.seconds * (length / read.length) ** (model.recurrent ? 1 : 2);
    if (reach === 'read' && (expected ?? 0) <= (readSeconds ?? 20)) {
      const seconds = await readPrompt(generator, length, { random, signal });
      read = { length, seconds };
      at.firstTokenSeconds = seconds;
      at.state = 'read';
      return generator.save();
    }
    at.state = 'placed';
    return placedState(model, batch, length, random);
  };

  const measure = async (generator: TextGenerator, position: number, state: GeneratorSnapshot) => {
    await generator.restore(state);
    const logits = await decode(generator, from(position), firstLogits);
    await decode(generator, from(position) + tokens, logits, found.get(position)!.times);
  };

  if (model.recurrent) {
    const generator = open({ batch, capacity: 1, chunk: CHUNK });
    const states = new Map<number, GeneratorSnapshot>();
    generator.reset();
    let logits = reach === 'decode' ? await generator.next(ids.fill(firstId)) : firstLogits;
    for (const position of measured) {
      if (reach === 'read') {
        states.set(position, await arrive(generator, position));
        found.get(position)!.rssBytes = process.memoryUsage.rss();
        continue;
      }
      logits = await decode(generator, begin(position), logits);
      states.set(position, generator.save());
      logits = await decode(generator, from(position), logits);
      Object.assign(found.get(position)!, { rssBytes: process.memoryUsage.rss(), state: 'decoded' });
    }
    for (let round = 0; round < rounds; round++) {
      // Each position comes first, second, ... equally often, so that what runs before a window favours none.
      const order = measured.map((_, i) => measured[(i + round) % measured.length]!);
      for (const position of order) await measure(generator, position, states.get(position)!);
    }
    await generator.dispose();
  } else {
    for (const position of measured) {
      const capacity = Math.max(from(position) + tokens, reach === 'read' ? roundUp(begin(position), CHUNK) : 0);
      const generator = open({ batch, capacity, chunk: CHUNK });
      const state = await arrive(generator, position);
      for (let round = 0; round < rounds; round++) await measure(generator, position, state);
      found.get(position)!.rssBytes = process.memoryUsage.rss();
      await generator.dispose();
    }
  }

  const points = measured.map((position): DecodingPoint => {
    const { times, ...rest } = found.get(position)!;
    return {
      position,
      tokensPerSecond: (batch * 1000) / median(times),
      stateBytes: model.stateBytes(position),
      ...rest,
    };
  });
  return { batch, points, skipped };
}

/** What is gathered of a position while it is measured. */
type Found = Pick<DecodingPoint, 'rssBytes' | 'firstTokenSeconds' | 'state'> & { times: number[] };

const roundUp = (value: number, unit: number) => Math.ceil(value / unit) * unit;

/** A state at a position without the tokens before it: every tensor uniform noise in [0, 1). */
function placedState(model: LanguageModel, batch: number, position: number, random: Random): GeneratorSnapshot {
  const state = model.state(batch, position).map(({ name, shape }) => {
    const data = new Float32Array(sizeOf(shape));
    for (let i = 0; i < data.length; i++) data[i] = random.uniform();
    return [name, { shape, data }] as const;
  });
  return { position, state: Object.fromEntries(state) };
}

/** Logits [batch, vocab] whose greedy choice is `id` in every row. */
function oneHot(vocab: number, batch: number, id: number): Float32Array {
  const logits = new Float32Array(batch * vocab);
  for (let row = 0; row < batch; row++) logits[row * vocab + id] = 1;
  return logits;
}
