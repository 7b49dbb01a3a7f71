/** What all metrics can do: corpora, sentences, prepared references, and corpora that come segment by segment. */
import { SacrebleuError } from '../errors.js';
import { Accumulator, type AccumulatorOptions, type BootstrapOptions } from './accumulator.js';
import type { MetricKernel } from './kernel.js';
import {
  countSegments,
  type MaybeReference,
  type PreparedReferences,
  presentReferences,
  type References,
  segmentOf,
} from './references.js';
import type { Score } from './score.js';

/** BLEU, chrF or TER with its options. It has no state: the same arguments give the same score. */
export interface Metric<S extends Score = Score, Prepared = unknown> {
  readonly kernel: MetricKernel<S, Prepared>;
  /**
   * Score of a whole corpus.
   *
   * @param references one list per reference translation, `references[i][j]` belonging to `hypotheses[j]`, with null
   *   where a segment has fewer; or what `prepareReferences` made of it
   * @throws SacrebleuError where numbers of segments differ, or a segment has no reference
   */
  corpusScore(
    hypotheses: readonly string[],
    references: References | PreparedReferences<Prepared>,
    options?: BootstrapOptions,
  ): S;
  /** Score of one sentence with its references. */
  sentenceScore(hypothesis: string, references: readonly MaybeReference[]): S;
  /** Tokenizes references once, for use with many systems. */
  prepareReferences(references: References): PreparedReferences<Prepared>;
  /** Statistics and score of a corpus that comes segment by segment. */
  accumulate(options?: Pick<AccumulatorOptions, 'keepStatistics'>): Accumulator<S, Prepared>;
}

export interface MetricHooks {
  /** Called once for a corpus that looks tokenized. */
  onTokenized?: () => void;
  /** Called before a sentence is scored by itself. */
  onSentence?: () => void;
}

export function createMetric<S extends Score, Prepared>(
  kernel: MetricKernel<S, Prepared>,
  { onTokenized, onSentence }: MetricHooks = {},
): Metric<S, Prepared> {
  const accumulate = (options: AccumulatorOptions = {}) => new Accumulator(kernel, { onTokenized, ...options });
  const metric: Metric<S, Prepared> = {
    kernel,
    corpusScore(hypotheses, references, options = {}) {
      const prepared = 'segments' in references ? references : undefined;
      if (prepared !== undefined && prepared.owner !== kernel)
        throw new SacrebleuError('These references were prepared by another metric.');
      const segments = prepared?.segments.length ?? countSegments(references as References);
      if (segments !== hypotheses.length) {
        throw new SacrebleuError(
          `There are ${hypotheses.length} hypotheses and ${segments} segments of references.`,
          'Both must have one line per segment.',
        );
      }
      const corpus = accumulate({ keepStatistics: (options.bootstrap ?? 1) > 1 });
      for (const [i, hypothesis] of hypotheses.entries()) {
        if (prepared !== undefined) corpus.addPrepared(hypothesis, prepared.segments[i]!);
        else corpus.add(hypothesis, segmentOf(references as References, i));
      }
      return corpus.score(options);
    },
    sentenceScore(hypothesis, references) {
      if (typeof references === 'string')
        throw new SacrebleuError('The references of a sentence must be a list of strings, not one string.');
      onSentence?.();
      const sentence = accumulate();
      sentence.add(hypothesis, references);
      return sentence.score();
    },
    prepareReferences(references) {
      const segments = Array.from({ length: countSegments(references) }, (_, i) =>
        presentReferences(segmentOf(references, i), i + 1).map((reference) => kernel.prepare(reference)),
      );
      return { segments, owner: kernel };
    },
    accumulate,
  };
  return metric;
}
