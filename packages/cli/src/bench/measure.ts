/** Measures one model after the other for `t2r bench`. */

import type { Engine } from '@t2r/engine';
import {
  type DecodingPoint,
  decodingSubject,
  type MemoryGrowth,
  measureDecoding,
  measureMemory,
  measureTranslating,
  translatingSubject,
} from '@t2r/evaluators';
import { type ModelConfig, parameterCount } from '@t2r/models';
import type { BenchTarget } from './targets.js';

export interface MeasureOptions {
  lengths: readonly number[];
  batches: readonly number[];
  /** Rounds over the lengths, and steps timed in each (language models). */
  rounds: number;
  tokens: number;
  /** Longest time that reading a prompt may take. */
  readSeconds: number;
  /** Tokens that recurrent language models decode while their memory is watched; 0: none. */
  memoryTokens: number;
  seed: number;
  signal: AbortSignal;
  onProgress(done: number, total: number, unit: string): void;
}

/** A point of either kind of model. */
export type BenchPoint = { length: number } & Omit<DecodingPoint, 'position' | 'state'> &
  Partial<Pick<DecodingPoint, 'state'>>;

export interface BenchModel {
  name: string;
  /** Of the layers, e.g. `t2r-mlp`; and of a decoder to the source. */
  attention: string;
  cross?: string;
  weights: 'checkpoint' | 'random';
  parameters: number;
  /** Whether the state has a fixed size. */
  recurrent: boolean;
  curves: { batch: number; points: BenchPoint[]; skipped: { length: number; reason: 'positions' | 'memory' }[] }[];
  memory?: MemoryGrowth;
  /** Bytes of state of one sequence at a length. */
  stateBytes(length: number): number;
}

/** Untimed steps before the timed ones of a window. */
const WARMUP = 2;

/** Measures a model, and releases it. */
export async function measureTarget(target: BenchTarget, engine: Engine, options: MeasureOptions): Promise<BenchModel> {
  const loaded = await target.load();
  const { config } = target;
  const about = {
    name: target.name,
    attention: describe(config.attention),
    ...(config.use === 'encoder-decoder' && { cross: describe(config.cross) }),
    weights: target.weights,
    parameters: parameterCount(loaded.model),
    recurrent: loaded.model.recurrent,
  };
  const { seed, signal, lengths, rounds } = options;
  const progress = (unit: string) => (done: number, total: number) => options.onProgress(done, total, unit);
  const curves: BenchModel['curves'] = [];
  if (config.use === 'encoder-decoder') {
    const subject = translatingSubject(loaded, engine);
    for (const batch of options.batches) {
      const onProgress = progress(`tokens of ${target.name}, ${batch} side by side`);
      const { points, skipped } = await measureTranslating(subject, {
        lengths,
        batch,
        rounds,
        seed,
        signal,
        onProgress,
      });
      curves.push({ batch, points, skipped: skipped.map((length) => ({ length, reason: 'positions' })) });
    }
    return { ...about, curves, stateBytes: (length) => subject.model.stateBytes(length, length) };
  }
  const subject = decodingSubject(loaded, engine);
  for (const batch of options.batches) {
    const found = await measureDecoding(subject, {
      positions: lengths,
      batch,
      tokens: options.tokens,
      warmup: WARMUP,
      rounds,
      seed,
      reach: 'read',
      readSeconds: options.readSeconds,
      signal,
      onProgress: progress(`steps of ${target.name}, ${batch} side by side`),
    });
    curves.push({
      batch,
      points: found.points.map(({ position, ...point }) => ({ length: position, ...point })),
      skipped: found.skipped.map(({ position, reason }) => ({ length: position, reason })),
    });
  }
  let memory: MemoryGrowth | undefined;
  if (options.memoryTokens > 0 && subject.model.recurrent) {
    const generator = subject.open({ batch: 1, capacity: 1, chunk: 1 });
    const onProgress = progress(`tokens of ${target.name}, memory watched`);
    memory = await measureMemory(generator, { tokens: options.memoryTokens, seed, signal, onProgress });
    await generator.dispose();
  }
  return { ...about, curves, memory, stateBytes: (length) => subject.model.stateBytes(length) };
}

/** Attention of all layers: `t2r-mlp`, or `t2r-mlp ×3, softmax`. */
function describe(layers: ModelConfig['attention']): string {
  const counts = new Map<string, number>();
  for (const { use } of layers) counts.set(use, (counts.get(use) ?? 0) + 1);
  return [...counts].map(([use, count]) => (counts.size === 1 || count === 1 ? use : `${use} ×${count}`)).join(', ');
}
