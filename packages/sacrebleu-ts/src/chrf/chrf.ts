/** The chrF and chrF++ metrics. */
import { SacrebleuError } from '../errors.js';
import { GramTree } from '../grams/gram-tree.js';
import { WordIds } from '../grams/word-ids.js';
import type { MetricKernel } from '../metric/kernel.js';
import { createMetric, type Metric } from '../metric/metric.js';
import { yesNo } from '../metric/signature.js';
import { codePoints, separatePunctuation } from './characters.js';
import { ChrfScore, fScore } from './score.js';

export interface CreateChrfOptions {
  /** Longest character n-grams. */
  charOrder?: number;
  /** Longest word n-grams; 2 makes it chrF++. */
  wordOrder?: number;
  /** How much recall counts against precision. */
  beta?: number;
  /** Compare without case. */
  lowercase?: boolean;
  /** Count whitespace among the characters. */
  whitespace?: boolean;
  /** Smooth as chrF++.py, NLTK and Moses do, instead of using the orders that both sides have. */
  epsSmoothing?: boolean;
}

/** A reference line as chrF keeps it. */
export interface ChrfReference {
  characters: readonly number[];
  words: readonly string[];
}

/** F-score of character n-grams, and of word n-grams if asked for; of several references the best counts. */
export function createChrf({
  charOrder = 6,
  wordOrder = 0,
  beta = 2,
  lowercase = false,
  whitespace = false,
  epsSmoothing = false,
}: CreateChrfOptions = {}): Metric<ChrfScore, ChrfReference> {
  for (const [name, value] of Object.entries({ charOrder, wordOrder })) {
    if (!(Number.isInteger(value) && value >= 0))
      throw new SacrebleuError(`${name} must be a whole number of at least 0, not ${value}.`);
  }
  const orders = charOrder + wordOrder;
  if (orders === 0) throw new SacrebleuError('chrF needs characters or words: charOrder and wordOrder are both 0.');
  if (!(Number.isFinite(beta) && beta >= 0)) throw new SacrebleuError(`beta must be at least 0, not ${beta}.`);
  const options = { beta, epsSmoothing };
  const characterTree = new GramTree();
  const wordTree = new GramTree();
  const ids = new WordIds();
  const candidate = new Float64Array(3 * orders);

  const prepare = (line: string): ChrfReference => {
    const text = lowercase ? line.toLowerCase() : line;
    return { characters: codePoints(text, whitespace), words: wordOrder > 0 ? separatePunctuation(text) : [] };
  };

  /** Numbers of n-grams in both sides, of orders `first` and up, for sequences of these lengths. */
  const countAll = (inHypothesis: number, inReference: number, first: number, order: number) => {
    for (let n = 1; n <= order; n++) {
      const at = 3 * (first + n - 1);
      const references = Math.max(0, inReference - n + 1);
      // Where the reference has no n-gram the hypothesis' do not count against it.
      candidate[at] = references === 0 ? 0 : Math.max(0, inHypothesis - n + 1);
      candidate[at + 1] = references;
    }
  };

  const compareWith = (hypothesis: ChrfReference, reference: ChrfReference) => {
    candidate.fill(0);
    const { characters } = hypothesis;
    characterTree.clear();
    characterTree.addReference(reference.characters, reference.characters.length, charOrder);
    characterTree.addMatches(characters, characters.length, charOrder, candidate, 2, 3);
    countAll(characters.length, reference.characters.length, 0, charOrder);
    if (wordOrder === 0) return;
    ids.clear();
    wordTree.clear();
    wordTree.addReference(ids.learn(reference.words), reference.words.length, wordOrder);
    const words = ids.lookUp(hypothesis.words);
    wordTree.addMatches(words, words.length, wordOrder, candidate, 2 + 3 * charOrder, 3);
    countAll(words.length, reference.words.length, charOrder, wordOrder);
  };

  const kernel: MetricKernel<ChrfScore, ChrfReference> = {
    name: 'chrF',
    width: 3 * orders,
    entries: [
      { key: 'case', short: 'c', value: lowercase ? 'lc' : 'mixed' },
      { key: 'eff', short: 'e', value: yesNo(!epsSmoothing) },
      { key: 'nc', short: 'nc', value: String(charOrder) },
      { key: 'nw', short: 'nw', value: String(wordOrder) },
      { key: 'space', short: 's', value: yesNo(whitespace) },
    ],
    prepare,
    compare(line, references, row) {
      const hypothesis = prepare(line);
      let best = -1;
      for (const reference of references) {
        compareWith(hypothesis, reference);
        const score = references.length === 1 ? 0 : fScore(candidate, options).value;
        if (score > best) {
          best = score;
          row.set(candidate);
        }
      }
    },
    score: (sums, signature) => new ChrfScore(fScore(sums, options).value, charOrder, wordOrder, beta, signature),
    value: (sums, arithmetic) => fScore(sums, options, arithmetic),
  };
  return createMetric(kernel);
}
