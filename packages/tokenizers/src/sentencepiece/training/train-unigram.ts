/**
 * Learns a unigram model (Kudo 2018, arXiv 1804.10959, section 3.2): from very many candidate pieces, expectation
 * maximisation of their probabilities and dropping those that the likelihood misses least alternate until the vocabulary is
 * small enough. The steps and constants are those of SentencePiece's trainer.
 */
import type { Piece } from '../model-file.js';
import { CharTrie } from './char-trie.js';
import { alternatives, bestCounts, expectedCounts, smallest, UNKNOWN_PENALTY } from './expectation.js';
import { Lattices, type Stretches, UNKNOWN_PIECE } from './lattices.js';
import type { ResolvedOptions } from './options.js';
import { findSeedPieces } from './seed-pieces.js';
import type { ValidPiece } from './valid-piece.js';
import type { Words } from './words.js';

/** Rounds of expectation and maximisation between two rounds of dropping pieces. */
const ROUNDS = 2;
/** A piece expected less often than this is dropped. */
const LEAST_EXPECTED = 0.5;
/** Training stops dropping at this multiple of the vocabulary; the rest goes by probability. */
const SURPLUS = 1.1;
/** Keeps the scores of characters that are no candidates any more apart. */
const SCORE_STEP = 0.0001;

/** Pieces under training: texts as stretches of characters, scores as log probabilities. */
interface Candidates {
  texts: Stretches;
  scores: Float64Array;
}

/** The pieces of a model, best first, at most `wanted` of them. Every character of the alphabet is one. */
export async function trainUnigram(
  words: Words,
  isValid: ValidPiece,
  wanted: number,
  options: Pick<
    ResolvedOptions,
    'maxPieceLength' | 'seedPieces' | 'shrinkingFactor' | 'vocab' | 'signal' | 'onProgress'
  >,
): Promise<Piece[]> {
  const { shrinkingFactor, vocab, signal, onProgress } = options;
  let candidates = seedCandidates(words, isValid, options);
  const lattices = latticesOf(words, candidates.texts);
  const keep = (kept: Int32Array, scores: Float64Array) => {
    const renamed = new Int32Array(candidates.scores.length).fill(-1);
    for (const [piece, old] of kept.entries()) renamed[old] = piece;
    lattices.keep(renamed);
    candidates = { texts: pick(candidates.texts, kept), scores };
  };
  const target = Math.floor(vocab * SURPLUS);
  for (;;) {
    for (let round = 0; round < ROUNDS; round++) {
      const expected = expectedCounts(lattices, words.counts, candidates.scores);
      const kept = Int32Array.from(indicesWhere(expected, (count) => count >= LEAST_EXPECTED));
      keep(kept, maximise(kept, expected));
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      onProgress('pieces', candidates.scores.length, target);
    }
    if (candidates.scores.length <= target) break;
    const size = Math.max(target, Math.floor(shrinkingFactor * candidates.scores.length));
    const kept = prune(lattices, words.counts, candidates, size);
    // What is left has nothing to stand for it.
    if (kept.length === candidates.scores.length) break;
    keep(
      kept,
      Float64Array.from(kept, (piece) => candidates.scores[piece]!),
    );
  }
  return finish(words, candidates, wanted);
}

/** Every character, and the repeated stretches, with the share of the text they cover as probability. */
function seedCandidates(
  words: Words,
  isValid: ValidPiece,
  { maxPieceLength, seedPieces }: Pick<ResolvedOptions, 'maxPieceLength' | 'seedPieces'>,
): Candidates {
  const { alphabet, charCounts, chars } = words;
  const seeds = findSeedPieces(words, isValid, seedPieces, maxPieceLength);
  const count = alphabet.length + seeds.scores.length;
  const starts = new Int32Array(count + 1);
  const scores = new Float64Array(count);
  for (const [i, charCount] of charCounts.entries()) {
    starts[i + 1] = i + 1;
    scores[i] = charCount;
  }
  for (const [i, length] of seeds.lengths.entries()) {
    starts[alphabet.length + i + 1] = starts[alphabet.length + i]! + length;
    scores[alphabet.length + i] = seeds.scores[i]!;
  }
  const texts = new Int32Array(starts[count]!);
  for (let i = 0; i < alphabet.length; i++) texts[i] = i;
  for (const [i, at] of seeds.starts.entries()) {
    texts.set(chars.subarray(at, at + seeds.lengths[i]!), starts[alphabet.length + i]!);
  }
  const total = Math.log(scores.reduce((sum, score) => sum + score, 0));
  return { texts: { chars: texts, starts }, scores: scores.map((score) => Math.log(score) - total) };
}

/** How each of some words can be put together from pieces of the given texts. */
function latticesOf(words: Stretches, texts: Stretches): Lattices {
  const { trie, pieceAt } = trieOf(texts);
  return new Lattices(words, trie, pieceAt);
}

function trieOf({ chars, starts }: Stretches): { trie: CharTrie; pieceAt: Int32Array } {
  const trie = new CharTrie(starts.length * 2);
  const nodes = new Int32Array(starts.length - 1);
  for (let piece = 0; piece < nodes.length; piece++)
    nodes[piece] = trie.insert(chars, starts[piece]!, starts[piece + 1]!);
  const pieceAt = new Int32Array(trie.size).fill(UNKNOWN_PIECE);
  for (const [piece, node] of nodes.entries()) pieceAt[node] = piece;
  return { trie, pieceAt };
}

/** New scores of the kept pieces: the digamma function makes rare ones rarer, which acts as a sparse prior. */
function maximise(kept: Int32Array, expected: Float64Array): Float64Array {
  let sum = 0;
  for (const piece of kept) sum += expected[piece]!;
  const logSum = digamma(sum);
  return Float64Array.from(kept, (piece) => digamma(expected[piece]!) - logSum);
}

/**
 * The pieces to keep, `size` of them: those that nothing can stand for, then those without which the likelihood falls most,
 * taking it that all occurrences of a piece are replaced by its own best segmentation.
 */
function prune(words: Lattices, counts: Float64Array, { texts, scores }: Candidates, size: number): Int32Array {
  const found = bestCounts(words, counts, scores);
  const sum = found.reduce((total, count) => total + count, 0);
  const logSum = Math.log(sum);
  const unknown = smallest(scores) - UNKNOWN_PENALTY;
  const kept: number[] = [];
  const losses: { piece: number; loss: number }[] = [];
  for (const [piece, { pieces, isBetter }] of alternatives(latticesOf(texts, texts), scores).entries()) {
    const count = found[piece]!;
    if (pieces === undefined) {
      if (count > 0) kept.push(piece);
      continue;
    }
    if (count === 0 || isBetter) continue;
    const logSumWithout = Math.log(sum + count * (pieces.length - 1));
    let without = 0;
    for (const part of pieces) {
      without += part === UNKNOWN_PIECE ? unknown : Math.log(found[part]! + count) - logSumWithout;
    }
    losses.push({ piece, loss: count * (Math.log(count) - logSum - without) });
  }
  losses.sort((a, b) => b.loss - a.loss || a.piece - b.piece);
  for (const { piece } of losses) {
    if (kept.length >= size) break;
    kept.push(piece);
  }
  return Int32Array.from(kept);
}

/** All characters of the alphabet, then the best pieces; sorted by score. */
function finish({ alphabet, charCounts }: Words, { texts, scores }: Candidates, wanted: number): Piece[] {
  const scoreOf = new Map<string, number>();
  for (const [piece, score] of scores.entries()) {
    const text = Array.from(
      texts.chars.subarray(texts.starts[piece]!, texts.starts[piece + 1]!),
      (char) => alphabet[char]!,
    );
    scoreOf.set(text.join(''), Math.fround(score));
  }
  const least = smallest(scores);
  const final = new Map<string, number>();
  let missing = 0;
  for (let i = 0; i < charCounts.length; i++) {
    const known = scoreOf.get(alphabet[i]!);
    final.set(alphabet[i]!, known ?? Math.fround(least + SCORE_STEP * missing++));
  }
  for (const [text, score] of byScore(scoreOf)) {
    if (final.size >= wanted) break;
    if (!final.has(text)) final.set(text, score);
  }
  return byScore(final).map(([text, score]) => ({ text, score, type: 'normal' }));
}

const byScore = (scores: ReadonlyMap<string, number>) =>
  [...scores].sort(([a, m], [b, n]) => n - m || Buffer.compare(Buffer.from(a), Buffer.from(b)));

function pick({ chars, starts }: Stretches, kept: Int32Array): Stretches {
  const newStarts = new Int32Array(kept.length + 1);
  for (const [i, piece] of kept.entries()) newStarts[i + 1] = newStarts[i]! + starts[piece + 1]! - starts[piece]!;
  const newChars = new Int32Array(newStarts[kept.length]!);
  for (const [i, piece] of kept.entries())
    newChars.set(chars.subarray(starts[piece]!, starts[piece + 1]!), newStarts[i]!);
  return { chars: newChars, starts: newStarts };
}

function* indicesWhere(values: Float64Array, is: (value: number) => boolean): Generator<number> {
  for (let i = 0; i < values.length; i++) if (is(values[i]!)) yield i;
}

/** Derivative of the logarithm of the gamma function, by its asymptotic series after shifting the argument above 7. */
function digamma(argument: number): number {
  let x = argument;
  let result = 0;
  for (; x < 7; x++) result -= 1 / x;
  x -= 0.5;
  const y = 1 / (x * x);
  return result + Math.log(x) + y / 24 - (7 / 960) * y ** 2 + (31 / 8064) * y ** 3 - (127 / 30720) * y ** 4;
}
