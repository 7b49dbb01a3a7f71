/**
 * Rotary positions (Su et al. 2021, arXiv 2104.09864): pairs of numbers of a query or key at position p are turned by the
 * angles p w_j, so that their inner product depends on the distance of their positions alone,
 *
 *     w_j = base^(-2j / r),  j < r / 2,   r = the even number of columns that are turned
 *
 * Where rotation and feature map meet, a variant of linear attention either maps what is rotated already, sim(q, k) =
 * phi(R q) . phi(R k), or rotates its features (see `rotatesFeatures` in contract.ts).
 */
import { UserError } from '@t2r/core';
import { type RotaryPairs, rotate } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { angleRows, angleTable } from './angle-rows.js';
import type { Attention, Rotation } from './contract.js';

/**
 * Frequencies for texts longer than the pretrained ones. `linear` divides positions by factor (Chen et al. 2023, arXiv
 * 2306.15595). `llama3` divides low frequencies by factor, leaves high ones and goes from one to the other between
 * (Llama 3.1). `dynamic` raises the base with the length from maxPositions on; here, as token by token in transformers,
 * every position is turned with the base of the text up to it, so that all forms of attention agree.
 */
export interface RotaryScaling {
  type: 'linear' | 'dynamic' | 'llama3';
  factor: number;
  /** Length of the pretrained texts; of dynamic and llama3. */
  maxPositions?: number;
  /** llama3: frequencies of fewer turns in the pretrained length are divided; absent: 1. */
  lowFrequencyFactor?: number;
  /** llama3: frequencies of more turns in the pretrained length stay; absent: 4. */
  highFrequencyFactor?: number;
}

export interface RotaryOptions {
  base: number;
  /** Part of a head's columns that is turned, the first ones; rounded down to an even number of them. */
  fraction: number;
  pairs: RotaryPairs;
  scaling?: RotaryScaling;
}

function pretrainedLength({ type, maxPositions }: RotaryScaling): number {
  if (maxPositions === undefined)
    throw new UserError(`rotary.scaling: type ${type} needs maxPositions`, {
      hint: 'Give the length of the texts that the model was pretrained on.',
    });
  return maxPositions;
}

/** w_j of Llama 3.1: by how many turns a frequency makes in the pretrained length. */
function llama3Frequency(w: number, scaling: RotaryScaling): number {
  const { factor, lowFrequencyFactor: low = 1, highFrequencyFactor: high = 4 } = scaling;
  const turns = (pretrainedLength(scaling) * w) / (2 * Math.PI);
  if (turns < low) return w / factor;
  if (turns > high) return w;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * w) / factor + smooth * w;
}

/** w_j of `count` pairs, those of positions below maxPositions where scaling is dynamic. */
export function rotaryFrequencies({ base, scaling }: RotaryOptions, count: number): number[] {
  return Array.from({ length: count }, (_, j) => {
    const w = base ** (-j / count);
    if (scaling?.type === 'linear') return w / scaling.factor;
    return scaling?.type === 'llama3' ? llama3Frequency(w, scaling) : w;
  });
}

/** Exponents of the growth that dynamic scaling multiplies frequencies with, see `growth`. */
const dynamicExponents = (count: number) =>
  Array.from({ length: count }, (_, j) => (count === 1 ? 0 : -j / (count - 1)));

/** The base at position p is base * growth^(r / (r - 2)), with r = 2 count; 1 up to maxPositions. */
function growth(position: number, scaling: RotaryScaling): number {
  const { factor } = scaling;
  return Math.max(1, (factor * (position + 1)) / pretrainedLength(scaling) - (factor - 1));
}

/** [sin | cos] of positions 0 .. time-1, [time, 2 count], on the host. */
function hostTable(options: RotaryOptions, time: number, count: number): tf.Tensor {
  const frequencies = rotaryFrequencies(options, count);
  const table = angleTable(time, frequencies, 2 * count);
  const { scaling } = options;
  if (scaling?.type === 'dynamic') {
    const exponents = dynamicExponents(count);
    for (let p = pretrainedLength(scaling); p < time; p++)
      for (const [j, w] of frequencies.entries()) {
        const angle = p * w * growth(p, scaling) ** exponents[j]!;
        table[2 * p * count + j] = Math.sin(angle);
        table[(2 * p + 1) * count + j] = Math.cos(angle);
      }
  }
  return tf.tensor2d(table, [time, 2 * count]);
}

/** [sin | cos] of positions [n] known at run time, [n, 2 count]. */
function runtimeTable(options: RotaryOptions, positions: tf.Tensor, count: number): tf.Tensor {
  const frequencies = rotaryFrequencies(options, count);
  const rows = angleRows(positions, frequencies, 2 * count);
  const { scaling } = options;
  if (scaling?.type !== 'dynamic') return rows;
  const { factor } = scaling;
  const maxPositions = pretrainedLength(scaling);
  const p = tf.reshape(tf.cast(positions, 'float32'), [-1, 1]); // [time, 1]
  const grown = tf.maximum(tf.sub(tf.mul(tf.add(p, 1), factor / maxPositions), factor - 1), 1);
  const powers = tf.exp(tf.mul(tf.log(grown), tf.tensor1d(dynamicExponents(count)))); // [time, count]
  const angles = tf.mul(tf.mul(powers, tf.tensor1d(frequencies)), p);
  const beyond = tf.cast(tf.greaterEqual(p, maxPositions), 'float32'); // [time, 1]
  const scaled = tf.concat([tf.sin(angles), tf.cos(angles)], 1);
  return tf.add(tf.mul(rows, tf.sub(1, beyond)), tf.mul(scaled, beyond));
}

/**
 * The rotation of positions 0 .. count-1 (a number), or of those in an int32 tensor that is known at run time: [time], or
 * [batch * time] where every sequence is at its own.
 */
export function createRotation(options: RotaryOptions, positions: number | tf.Tensor): Rotation {
  const tables = new Map<number, [tf.Tensor, tf.Tensor]>();
  const tableOf = (count: number) => {
    let halves = tables.get(count);
    if (halves === undefined) {
      const table =
        typeof positions === 'number' ? hostTable(options, positions, count) : runtimeTable(options, positions, count);
      halves = tf.split(table, 2, 1) as [tf.Tensor, tf.Tensor];
      tables.set(count, halves);
    }
    return halves;
  };
  return {
    rotate(x) {
      const count = Math.floor((x.shape[3]! * options.fraction) / 2);
      return count === 0 ? x : rotate(x, ...tableOf(count), options.pairs);
    },
  };
}

/** What a variant is given of a layer with rotary positions: q and k rotated, or as they are with the rotation. */
export function rotateInputs<T extends { q: tf.Tensor; k: tf.Tensor }>(
  { rotatesFeatures = false }: Pick<Attention, 'rotatesFeatures'>,
  { q, k }: T,
  rotation?: Rotation,
): { q: tf.Tensor; k: tf.Tensor; rotation?: Rotation } {
  if (rotation === undefined) return { q, k };
  return rotatesFeatures ? { q, k, rotation } : { q: rotation.rotate(q), k: rotation.rotate(k) };
}
