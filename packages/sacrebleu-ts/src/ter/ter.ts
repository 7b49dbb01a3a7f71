/** The TER metric. */
import { WordIds } from '../grams/word-ids.js';
import type { MetricKernel, NumpyValue } from '../metric/kernel.js';
import { createMetric, type Metric } from '../metric/metric.js';
import { Score } from '../metric/score.js';
import { type Signature, yesNo } from '../metric/signature.js';
import { trimEnd } from '../text/whitespace.js';
import { type TercomOptions, tercomWords } from '../tokenizers/tercom.js';
import { countEdits } from './edits.js';

export type CreateTerOptions = Partial<TercomOptions>;

/** Translation edit rate in percent: the fewer, the better. */
export class TerScore extends Score {
  constructor(
    score: number,
    /** Edits of the whole corpus. */
    readonly numEdits: number,
    /** Words of the references, averaged over the references of a segment. */
    readonly refLength: number,
    signature: Signature,
  ) {
    super('TER', score, signature);
  }
}

/** Edits in percent of reference words. Where these are 0 it is Python's own number that the original gives. */
function editRate(edits: number, length: number, round: (value: number) => number): number {
  if (length > 0) return round(100 * round(edits / length));
  return edits > 0 ? 100 : 0;
}

/** Edits, shifts of blocks among them, per word of the reference; of several references the nearest counts. */
export function createTer({
  normalized = false,
  noPunct = false,
  asianSupport = false,
  caseSensitive = false,
}: CreateTerOptions = {}): Metric<TerScore, string[]> {
  const options: TercomOptions = { normalized, noPunct, asianSupport, caseSensitive };
  const words = (line: string) => tercomWords(trimEnd(line), options);
  // The original tokenizes references twice, which normalization shows: `John's.` loses its `'s` only the second time.
  const prepare = (line: string) => words(words(line).join(' '));
  const ids = new WordIds();
  const kernel: MetricKernel<TerScore, string[]> = {
    name: 'TER',
    width: 2,
    entries: [
      { key: 'case', short: 'c', value: caseSensitive ? 'mixed' : 'lc' },
      { key: 'tok', short: 't', value: 'tercom' },
      { key: 'norm', short: 'nr', value: yesNo(normalized) },
      { key: 'punct', short: 'pn', value: yesNo(!noPunct) },
      { key: 'asian', short: 'as', value: yesNo(asianSupport) },
    ],
    prepare,
    compare(line, references, row) {
      ids.clear();
      const known = references.map((reference) => Int32Array.from(ids.learn(reference)));
      const hypothesis = Int32Array.from(ids.lookUp(words(line)));
      let edits = Number.POSITIVE_INFINITY;
      let length = 0;
      for (const reference of known) {
        edits = Math.min(edits, countEdits(hypothesis, reference));
        length += reference.length;
      }
      row[0] = edits;
      row[1] = length / references.length;
    },
    score(sums, signature) {
      const edits = sums[0]!;
      const length = sums[1]!;
      return new TerScore(
        editRate(edits, length, (value) => value),
        Math.trunc(edits),
        length,
        signature,
      );
    },
    value(sums, arithmetic): NumpyValue {
      const single = arithmetic === 'float32' && sums[1]! > 0;
      return { value: editRate(sums[0]!, sums[1]!, single ? Math.fround : (value) => value), single };
    },
  };
  return createMetric(kernel);
}
