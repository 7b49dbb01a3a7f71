/** The BLEU metric. */
import { SacrebleuError } from '../errors.js';
import { GramTree } from '../grams/gram-tree.js';
import { WordIds } from '../grams/word-ids.js';
import type { MetricKernel } from '../metric/kernel.js';
import { createMetric, type Metric } from '../metric/metric.js';
import { yesNo } from '../metric/signature.js';
import { trimEnd } from '../text/whitespace.js';
import { chooseTokenizer } from '../tokenizers/choose.js';
import { type Tokenizer, type TokenizerName, tokensOf } from '../tokenizers/tokenizer.js';
import { BleuScore, type BleuStatistics, computeBleu } from './score.js';
import { type SmoothMethod, smoothingOf, smoothingText } from './smoothing.js';

export interface CreateBleuOptions {
  /** Compare without case. */
  lowercase?: boolean;
  /** Do not warn of hypotheses that look tokenized. */
  force?: boolean;
  /** Name of a built-in tokenizer, or one of your own. By default that of the target language, or `13a`. */
  tokenize?: TokenizerName | Tokenizer;
  smoothMethod?: SmoothMethod;
  /** For `floor` (0.1 unless given) and `add-k` (1). */
  smoothValue?: number | null;
  /** Longest n-grams. */
  maxNgramOrder?: number;
  /** Leave out orders for which a hypothesis is too short; meant for single sentences. */
  effectiveOrder?: boolean;
  /** Language of the translations, `zh`, `ja` and `ko` having tokenizers of their own. */
  trgLang?: string;
  /** Receives warnings; `console.warn` by default. */
  onWarning?: (message: string) => void;
}

const TOKENIZED_WARNING = [
  "That's 100 lines that end in a tokenized period ('.')",
  'It looks like you forgot to detokenize your test data, which may hurt your score.',
  "If you insist your data is detokenized, or don't care, you can suppress this message with the `force` parameter.",
];
const SENTENCE_WARNING = 'It is recommended to enable `effective_order` for sentence-level BLEU.';

/** Of the lengths of a segment's references the one closest to the hypothesis', the shorter of two. */
function closestLength(length: number, references: readonly (readonly string[])[]): number {
  let closest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const { length: candidate } of references) {
    const difference = Math.abs(length - candidate);
    if (difference < least || (difference === least && candidate < closest)) {
      least = difference;
      closest = candidate;
    }
  }
  return closest;
}

/** BLEU over n-grams of tokens; `{ tokenize: '13a' }` is what WMT papers report. */
export function createBleu({
  lowercase = false,
  force = false,
  tokenize,
  smoothMethod = 'exp',
  smoothValue,
  maxNgramOrder = 4,
  effectiveOrder = false,
  trgLang = '',
  onWarning = (message) => console.warn(message),
}: CreateBleuOptions = {}): Metric<BleuScore, string[]> {
  if (!(Number.isInteger(maxNgramOrder) && maxNgramOrder >= 1))
    throw new SacrebleuError(`maxNgramOrder must be a whole number of at least 1, not ${maxNgramOrder}.`);
  const smoothing = smoothingOf(smoothMethod, smoothValue);
  const tokenizer = chooseTokenizer(tokenize, trgLang, onWarning);
  const order = maxNgramOrder;
  const options = { smoothing, effectiveOrder };
  const tokens = (line: string) => tokensOf(tokenizer, trimEnd(lowercase ? line.toLowerCase() : line));
  const tree = new GramTree();
  const ids = new WordIds();

  /** Row of statistics: hypothesis length, reference length, matches per order, totals per order. */
  const unpack = (row: ArrayLike<number>): BleuStatistics => {
    const [sysLen, refLen, ...counts] = Array.from(row);
    return { sysLen: sysLen!, refLen: refLen!, correct: counts.slice(0, order), total: counts.slice(order) };
  };

  const kernel: MetricKernel<BleuScore, string[]> = {
    name: 'BLEU',
    width: 2 + 2 * order,
    entries: [
      { key: 'case', short: 'c', value: lowercase ? 'lc' : 'mixed' },
      { key: 'eff', short: 'e', value: yesNo(effectiveOrder) },
      { key: 'tok', short: 'tok', value: tokenizer.signature },
      { key: 'smooth', short: 's', value: smoothingText(smoothing) },
    ],
    prepare: tokens,
    compare(hypothesis, references, row) {
      tree.clear();
      ids.clear();
      for (const reference of references) tree.addReference(ids.learn(reference), reference.length, order);
      const words = ids.lookUp(tokens(hypothesis));
      row.fill(0);
      row[0] = words.length;
      row[1] = closestLength(words.length, references);
      tree.addMatches(words, words.length, order, row, 2, 1);
      for (let n = 1; n <= order; n++) row[1 + order + n] = Math.max(0, words.length - n + 1);
    },
    score(sums, signature) {
      const statistics = unpack(sums);
      return new BleuScore(computeBleu(statistics, options), statistics, signature);
    },
    value: (sums, arithmetic) => ({ value: computeBleu(unpack(sums), options, arithmetic).score, single: false }),
  };
  return createMetric(kernel, {
    onTokenized: force ? undefined : () => TOKENIZED_WARNING.forEach((line) => void onWarning(line)),
    onSentence: effectiveOrder ? undefined : () => onWarning(SENTENCE_WARNING),
  });
}
