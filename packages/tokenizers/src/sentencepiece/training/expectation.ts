/** Sums over all segmentations of words, and the best of them, under a unigram model of pieces (Kudo 2018, arXiv 1804.10959). */
import { type Lattices, UNKNOWN_PIECE } from './lattices.js';

/** How much less likely an unknown character is than the least likely piece, as a logarithm. */
export const UNKNOWN_PENALTY = 10;

/** Room for one word at a time. */
class Scratch {
  readonly best: Float64Array;
  readonly forward: Float64Array;
  readonly backward: Float64Array;
  readonly via: Int32Array;
  weights = new Float64Array(256);

  constructor(longest: number) {
    this.best = new Float64Array(longest + 1);
    this.forward = new Float64Array(longest + 1);
    this.backward = new Float64Array(longest + 1);
    this.via = new Int32Array(longest + 1);
  }
}

/** Score of the least likely piece. */
export const smallest = (scores: Float64Array) => scores.reduce((least, score) => Math.min(least, score), 0);

/** Best score up to every place of a word, with the edge that leads there. `skip` leaves one edge out. */
function walk(
  lattices: Lattices,
  word: number,
  scores: Float64Array,
  unknown: number,
  scratch: Scratch,
  skip = -1,
): void {
  const { first, begins, ends, pieces } = lattices;
  const { best, via } = scratch;
  best.fill(Number.NEGATIVE_INFINITY, 0, lattices.length(word) + 1);
  best[0] = 0;
  for (let edge = first[word]!; edge < first[word + 1]!; edge++) {
    if (edge === skip) continue;
    const piece = pieces[edge]!;
    const score = best[begins[edge]!]! + (piece === UNKNOWN_PIECE ? unknown : scores[piece]!);
    const end = ends[edge]!;
    if (score > best[end]!) {
      best[end] = score;
      via[end] = edge;
    }
  }
}

/**
 * How often each piece is expected in the text: over all segmentations of all words, weighted by their probability and by
 * how often the word occurs. Probabilities are taken relative to the best segmentation up to each place, which keeps them
 * in range.
 */
export function expectedCounts(lattices: Lattices, counts: Float64Array, scores: Float64Array): Float64Array {
  const { first, begins, ends, pieces } = lattices;
  const expected = new Float64Array(scores.length);
  const scratch = new Scratch(lattices.longest);
  const { best, forward, backward } = scratch;
  const unknown = smallest(scores) - UNKNOWN_PENALTY;
  for (let word = 0; word < lattices.words; word++) {
    const length = lattices.length(word);
    const from = first[word]!;
    const to = first[word + 1]!;
    walk(lattices, word, scores, unknown, scratch);
    if (scratch.weights.length < to - from) scratch.weights = new Float64Array((to - from) * 2);
    const { weights } = scratch;
    forward.fill(0, 0, length + 1);
    backward.fill(0, 0, length + 1);
    forward[0] = 1;
    backward[length] = 1;
    for (let edge = from; edge < to; edge++) {
      const begin = begins[edge]!;
      const end = ends[edge]!;
      const piece = pieces[edge]!;
      const score = piece === UNKNOWN_PIECE ? unknown : scores[piece]!;
      const weight = Math.exp(best[begin]! + score - best[end]!);
      weights[edge - from] = weight;
      forward[end]! += forward[begin]! * weight;
    }
    const scale = counts[word]! / forward[length]!;
    for (let edge = to - 1; edge >= from; edge--) {
      const begin = begins[edge]!;
      const after = weights[edge - from]! * backward[ends[edge]!]!;
      backward[begin]! += after;
      const piece = pieces[edge]!;
      if (piece !== UNKNOWN_PIECE) expected[piece]! += forward[begin]! * after * scale;
    }
  }
  return expected;
}

/** How often each piece occurs in the best segmentations of all words. */
export function bestCounts(lattices: Lattices, counts: Float64Array, scores: Float64Array): Float64Array {
  const found = new Float64Array(scores.length);
  const scratch = new Scratch(lattices.longest);
  const unknown = smallest(scores) - UNKNOWN_PENALTY;
  for (let word = 0; word < lattices.words; word++) {
    walk(lattices, word, scores, unknown, scratch);
    for (let at = lattices.length(word); at > 0; ) {
      const edge = scratch.via[at]!;
      const piece = lattices.pieces[edge]!;
      if (piece !== UNKNOWN_PIECE) found[piece]! += counts[word]!;
      at = lattices.begins[edge]!;
    }
  }
  return found;
}

/** What would stand for a piece if it were dropped. */
export interface Alternative {
  /** Pieces of the best segmentation of the piece's own text without the piece; undefined when there is none. */
  pieces?: number[];
  /** Whether that segmentation is better than the piece itself, so that the piece is never used. */
  isBetter: boolean;
}

/** Alternatives of every piece; lattice i is that of the text of piece i. */
export function alternatives(lattices: Lattices, scores: Float64Array): Alternative[] {
  const scratch = new Scratch(lattices.longest);
  const unknown = smallest(scores) - UNKNOWN_PENALTY;
  return Array.from(scores, (score, piece) => {
    const length = lattices.length(piece);
    let own = -1;
    for (let edge = lattices.first[piece]!; edge < lattices.first[piece + 1]!; edge++) {
      if (lattices.begins[edge] === 0 && lattices.ends[edge] === length) own = edge;
    }
    walk(lattices, piece, scores, unknown, scratch, own);
    if (scratch.best[length] === Number.NEGATIVE_INFINITY) return { isBetter: false };
    const pieces: number[] = [];
    for (let at = length; at > 0; at = lattices.begins[scratch.via[at]!]!)
      pieces.push(lattices.pieces[scratch.via[at]!]!);
    return { pieces, isBetter: scratch.best[length]! > score };
  });
}
