/**
 * Dropout masks as slices of a pool of random values. The pool is drawn once from the seed; each site of each run reads it
 * at an offset that the host derives from (seed, run, site). Random integers come from the host in the place of an offset.
 * ONNX's own random ops keep hidden state and cannot resume.
 */
import { createRandom, deriveSeed } from '@t2r/core';
import * as tf from '@tensorflow/tfjs';
import { ELEMENT_TYPES } from '../onnx/graph.js';
import { sizeOf } from '../ops/shape.js';
import type { DropoutSource } from '../types.js';
import type { TraceBackend } from './backend.js';

/** Values in a pool; more when a program has a larger site. */
const MIN_POOL = 1 << 22;

/** A mask that a program reads from the pool of its rate. */
export interface MaskSite {
  rate: number;
  size: number;
}

/** A uniform integer in [0, bound). */
export interface IntegerSite {
  bound: number;
}

export type DropoutSite = MaskSite | IntegerSite;

const isMask = (site: DropoutSite): site is MaskSite => 'rate' in site;

/** The rates whose pools a program reads. */
export function poolRates(sites: readonly DropoutSite[]): Set<number> {
  return new Set(sites.filter(isMask).map(({ rate }) => rate));
}

export const OFFSETS_INPUT = 'random.offsets';
export const poolInput = (rate: number) => `random.pool.${rate}`;

/** Pool length of a program: at least twice its largest site, so that offsets vary. */
export function poolLength(sites: readonly DropoutSite[]): number {
  let length = MIN_POOL;
  while (sites.some((site) => isMask(site) && site.size * 2 > length)) length *= 2;
  return length;
}

/** The mask pool of a seed and rate: 0 with probability `rate`, else 1 / (1 - rate). A longer pool begins with a shorter one. */
export function drawPool(seed: number, rate: number, length: number): Float32Array {
  const random = createRandom(seed, 'dropout pool');
  const keep = 1 / (1 - rate);
  return Float32Array.from({ length }, () => (random.uniform() < rate ? 0 : keep));
}

/** Where each mask begins and ends in the pool at a run: [begin, end) pairs. An integer stands in the place of `begin`. */
export function siteOffsets(sites: readonly DropoutSite[], seed: number, step: number, out: BigInt64Array): void {
  const length = poolLength(sites);
  sites.forEach((site, i) => {
    const bound = isMask(site) ? length - site.size + 1 : site.bound;
    const begin = deriveSeed(seed, 'dropout', step, i) % bound;
    out[2 * i] = BigInt(begin);
    out[2 * i + 1] = BigInt(isMask(site) ? begin + site.size : begin);
  });
}

/** Records the dropout sites of a program while it is traced. */
export class TracedDropout implements DropoutSource {
  readonly sites: DropoutSite[] = [];
  readonly #backend: TraceBackend;

  constructor(backend: TraceBackend) {
    this.#backend = backend;
  }

  mask(shape: readonly number[], rate: number): tf.Tensor {
    const { graph } = this.#backend;
    const site = this.sites.push({ rate, size: sizeOf(shape) }) - 1;
    const bound = (index: number) => graph.op('Gather', [OFFSETS_INPUT, graph.int64([index])]);
    const flat = graph.op('Slice', [poolInput(rate), bound(2 * site), bound(2 * site + 1), graph.int64([0])]);
    const name = graph.op('Reshape', [flat, graph.int64(shape)]);
    return this.#backend.tensor({ name, shape: [...shape], dtype: 'float32' });
  }

  integers(count: number, bound: number): tf.Tensor {
    const { graph } = this.#backend;
    const places = Array.from({ length: count }, () => 2 * (this.sites.push({ bound }) - 1));
    const drawn = graph.op('Gather', [OFFSETS_INPUT, graph.int64(places)]);
    const name = graph.op('Cast', [drawn], { attributes: { to: ELEMENT_TYPES.int32 } });
    return this.#backend.tensor({ name, shape: [count], dtype: 'int32' });
  }

  dropout(x: tf.Tensor, rate: number): tf.Tensor {
    return rate === 0 ? x : tf.mul(x, this.mask(x.shape, rate));
  }

  /** Declares the inputs that the sites read; called when the trace is done. */
  declareInputs(): void {
    if (this.sites.length === 0) return;
    const { graph } = this.#backend;
    graph.input(OFFSETS_INPUT, 'int64', [2 * this.sites.length]);
    for (const rate of poolRates(this.sites)) {
      graph.input(poolInput(rate), 'float32', [poolLength(this.sites)]);
    }
  }
}
