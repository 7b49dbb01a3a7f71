/** The time from a prompt to the first token after it. */
import { performance } from 'node:perf_hooks';
import type { Random } from '@t2r/core';
import { argmax, type TextGenerator } from '@t2r/generation';
import { median } from '../statistics.js';

/** A prompt that is read within this time is read again, so that a disturbance does not decide. */
const SHORT_SECONDS = 5;
const REPEATS = 3;

/**
 * Reads a prompt of random tokens, the same length in each sequence, and leaves the generator behind it. Programs are compiled
 * before the clock starts.
 *
 * @returns seconds until the first token of every sequence is chosen; the median of three where it is quick
 */
export async function readPrompt(
  generator: TextGenerator,
  length: number,
  { random, signal }: { random: Random; signal?: AbortSignal },
): Promise<number> {
  const { batch, model } = generator;
  const { vocab } = model.config;
  const ids = Int32Array.from({ length: batch * length }, () => random.integer(vocab));
  generator.reset();
  await generator.prefill(ids.subarray(0, batch * Math.min(length, 2)));
  const seconds: number[] = [];
  do {
    signal?.throwIfAborted();
    generator.reset();
    const started = performance.now();
    const logits = await generator.prefill(ids);
    for (let row = 0; row < batch; row++) argmax(logits.subarray(row * vocab, (row + 1) * vocab));
    seconds.push((performance.now() - started) / 1000);
  } while (seconds[0]! < SHORT_SECONDS && seconds.length < REPEATS);
  return median(seconds);
}
