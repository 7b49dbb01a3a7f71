/**
 * Beam search and exhaustive search as plainly as they can be written: every hypothesis is scored anew from the parallel form
 * of the model at every step.
 */
import type { Engine } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import { tinyWeights } from './tiny-model.js';

/** Natural log-probabilities of the next token after each of `ids`, one row a position. */
export type NextLogProbs = (ids: readonly number[]) => Promise<number[][]>;

/** The parallel form of a model over up to `length` positions; what is padded on the right does not matter. */
export async function parallelForm(engine: Engine, model: LanguageModel, length: number): Promise<NextLogProbs> {
  const { vocab } = model.config;
  const program = await engine.compile({
    name: 'parallel',
    inputs: { ids: { shape: [1, length], dtype: 'int32' } },
    constants: tinyWeights(model),
    program: (inputs, weights) => {
      const logits = model.logits(model.hidden(inputs.ids!, weights), weights); // [1, length, vocab]
      return { outputs: { logits: tf.reshape(logits, [length, vocab]) } };
    },
  });
  return async (ids) => {
    const padded = new Int32Array(length);
    padded.set(ids);
    const { logits } = await program.run({ ids: padded });
    return ids.map((_, t) => logSoftmax(Array.from(logits!.subarray(t * vocab, (t + 1) * vocab))));
  };
}

export function logSoftmax(logits: number[]): number[] {
  const top = Math.max(...logits);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - top), 0);
  return logits.map((logit) => logit - top - Math.log(sum));
}

export interface Found {
  ids: number[];
  logProb: number;
  score: number;
}

/** Sum of the log-probabilities of tokens that follow a prompt. */
export async function sumOf(next: NextLogProbs, prompt: readonly number[], tokens: readonly number[]): Promise<number> {
  const rows = await next([...prompt, ...tokens]);
  return tokens.reduce((sum, id, i) => sum + rows[prompt.length - 1 + i]![id]!, 0);
}

/** Every sequence of at most `most` tokens that ends in `end`, best first. */
export async function exhaustive(
  next: NextLogProbs,
  prompt: readonly number[],
  { end, most, vocab, penalty }: { end: number; most: number; vocab: number; penalty: number },
): Promise<Found[]> {
  const found: Found[] = [];
  const visit = async (ids: number[], logProb: number): Promise<void> => {
    const last = (await next([...prompt, ...ids])).at(-1)!;
    const ended = logProb + last[end]!;
    found.push({ ids, logProb: ended, score: ended / (ids.length + 1) ** penalty });
    if (ids.length + 1 === most) return;
    for (let id = 0; id < vocab; id++) if (id !== end) await visit([...ids, id], logProb + last[id]!);
  };
  await visit([], 0);
  return found.sort((a, b) => b.score - a.score);
}

export interface ReferenceOptions {
  beam: number;
  end: number;
  most: number;
  penalty: number;
  stopping: 'fairseq' | 'early' | 'estimate' | 'bound';
  prefix?: readonly number[];
}

/** Beam search over the parallel form, all hypotheses of the longest length ended by the end token. */
export async function referenceSearch(
  next: NextLogProbs,
  prompt: readonly number[],
  { beam, end, most, penalty, stopping, prefix = [] }: ReferenceOptions,
): Promise<Found[]> {
  let live: { ids: number[]; logProb: number }[] = [{ ids: [], logProb: 0 }];
  let finished: Found[] = [];
  for (let length = 1; length <= most; length++) {
    const all: { ids: number[]; logProb: number }[] = [];
    for (const { ids, logProb } of live) {
      const last = (await next([...prompt, ...ids])).at(-1)!;
      for (const [id, own] of last.entries()) {
        const forced = prefix[length - 1] ?? (length === most ? end : undefined);
        if (forced === undefined || id === forced) all.push({ ids: [...ids, id], logProb: logProb + own });
      }
    }
    all.sort((a, b) => b.logProb - a.logProb);
    const candidates = all.slice(0, 2 * beam);
    live = candidates.filter(({ ids }) => ids.at(-1) !== end).slice(0, beam);
    for (const { ids, logProb } of candidates.slice(0, beam)) {
      if (ids.at(-1) !== end || (stopping === 'fairseq' && finished.length >= beam)) continue;
      finished.push({ ids: ids.slice(0, -1), logProb, score: logProb / length ** penalty });
    }
    finished.sort((a, b) => b.score - a.score);
    finished = finished.slice(0, beam);
    if (live.length === 0) break;
    if (finished.length < beam) continue;
    if (stopping === 'fairseq' || stopping === 'early') break;
    const divisor = stopping === 'estimate' ? length : penalty > 0 ? most : length + 1;
    if (live[0]!.logProb / divisor ** penalty <= finished.at(-1)!.score) break;
  }
  return finished;
}
