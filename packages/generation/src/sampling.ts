/**
 * Choosing the next token from one row of logits, on the host. The order of the filters is the usual one:
 * repetition penalty, temperature, top-k, top-p, then a draw from what is left, renormalised.
 * A sampler owns its scratch arrays, so a token costs no memory.
 */
import { UserError } from '@t2r/core/errors';
import { createRandom } from '@t2r/core/random';
import { exponential } from './exponential.js';
import { rankIds } from './ranking.js';

/** How the next token is chosen. The defaults draw from the model's own distribution. */
export interface SamplingOptions {
  /** Logits are divided by it before the softmax; 0 is greedy: the most likely token. Default 1. */
  temperature?: number;
  /** Keep the k most likely tokens. Default: all. */
  topK?: number;
  /** Keep the smallest set of most likely tokens whose probability is at least p (nucleus, arXiv 1904.09751). Default 1: all. */
  topP?: number;
  /** Logits of tokens seen before are divided by it when positive and multiplied when negative (CTRL, arXiv 1909.05858). Default 1. */
  repetitionPenalty?: number;
  /** The draw at a position is a pure function of the seed and the position. Default 1. */
  seed?: number;
}

export interface Sampler {
  /**
   * Chooses a token from logits [vocab], which are left as they are. `position` is the place in the text that the token
   * will take; `seen` holds the ids before it and matters only to the repetition penalty.
   */
  sample(logits: Float32Array, position: number, seen?: Iterable<number>): number;
}

/** Throws a UserError that names the first sampling option out of range. */
export function checkSampling({ temperature, topK, topP, repetitionPenalty }: SamplingOptions): void {
  const fail = (name: string, value: number, expected: string) => {
    throw new UserError(`sampling: ${name} is ${value}; expected ${expected}`);
  };
  if (temperature !== undefined && !(temperature >= 0 && temperature < Infinity))
    fail('temperature', temperature, 'a number of at least 0 (0 is greedy)');
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 1)) fail('topK', topK, 'a whole number of at least 1');
  if (topP !== undefined && !(topP > 0 && topP <= 1)) fail('topP', topP, 'a number above 0 and at most 1');
  if (repetitionPenalty !== undefined && !(repetitionPenalty > 0 && repetitionPenalty < Infinity))
    fail('repetitionPenalty', repetitionPenalty, 'a number above 0');
}

/**
 * A sampler for a vocabulary of a size. Equal logits count as ordered by id, the lower id first, in greedy choice and in
 * both filters, so that a result never depends on a sort's internals. Throws UserError for options out of range, and when
 * the logits hold NaN or infinity.
 */
export function createSampler(vocab: number, options: SamplingOptions = {}): Sampler {
  checkSampling(options);
  const { temperature = 1, topK = vocab, topP = 1, repetitionPenalty = 1, seed = 1 } = options;
  const scores = new Float64Array(vocab);
  const ranked = new Uint32Array(vocab);

  const draw = (position: number): number => {
    const best = argmax(scores);
    const top = scores[best]!;
    if (temperature === 0 && Number.isFinite(top)) return best;
    let mass = 0;
    for (let id = 0; id < vocab; id++) {
      const score = exponential((scores[id]! - top) / temperature);
      scores[id] = score;
      mass += score;
    }
    if (!Number.isFinite(mass))
      throw new UserError(`the model's logits at position ${position} are not finite`, {
        hint: 'The weights have probably diverged in training; look at the loss curve.',
      });
    const uniform = createRandom(seed, 'sample', position).uniform();
    if (topK >= vocab && topP === 1) return pick(uniform * mass, vocab, (i) => i);
    // What lies below the bound has less than half of what the nucleus leaves out, so that it holds none of these.
    const bound = topK < vocab ? 0 : (mass * (1 - topP)) / (2 * vocab);
    const { rank, count } = rankIds(scores, ranked, bound);
    if (topK < vocab) {
      mass = 0;
      for (let i = 0; i < topK; i++) mass += scores[rank(i)]!;
    }
    // Top-p counts the probabilities renormalised after top-k.
    let kept = 0;
    let keptMass = 0;
    while (kept < Math.min(topK, count) && (kept === 0 || keptMass < topP * mass)) keptMass += scores[rank(kept++)]!;
    return pick(uniform * keptMass, kept, rank);
  };

  /** The first of `count` ids, in the order `idAt`, at which the running sum of scores passes `target`. */
  const pick = (target: number, count: number, idAt: (index: number) => number): number => {
    let sum = 0;
    let last = idAt(0);
    for (let i = 0; i < count; i++) {
      const id = idAt(i);
      if (scores[id] === 0) continue;
      last = id;
      sum += scores[id]!;
      if (sum > target) return id;
    }
    return last;
  };

  return {
    sample(logits, position, seen) {
      if (logits.length !== vocab)
        throw new RangeError(`logits have ${logits.length} entries, the vocabulary ${vocab}`);
      scores.set(logits);
      if (repetitionPenalty !== 1) penalize(scores, logits, seen ?? [], repetitionPenalty);
      return draw(position);
    },
  };
}

/** Index of the largest value; the lowest index among equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Natural log of a token's probability under the model itself, log softmax(logits)[id], in float64. */
export function logProbability(logits: Float32Array, id: number): number {
  const top = logits[argmax(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  return logits[id]! - top - Math.log(sum);
}

/** Each id counts once, however often it was seen. */
function penalize(scores: Float64Array, logits: Float32Array, seen: Iterable<number>, penalty: number): void {
  for (const id of seen) {
    const logit = logits[id]!;
    scores[id] = logit > 0 ? logit / penalty : logit * penalty;
  }
}
