/** Paired significance tests: whether a system's score differs from a baseline's by more than chance. */
import { SacrebleuError } from '../errors.js';
import type { Accumulator } from '../metric/accumulator.js';
import type { MetricKernel } from '../metric/kernel.js';
import type { Metric } from '../metric/metric.js';
import type { References } from '../metric/references.js';
import type { Score } from '../metric/score.js';
import { Signature } from '../metric/signature.js';
import type { SegmentStatistics } from '../metric/statistics.js';
import { numpyMean } from '../numbers/means.js';
import { createGenerator, DEFAULT_SEED, type Seed } from '../random/draws.js';
import { seedText } from './bootstrap.js';
import { randomizedDifferences } from './randomization.js';
import { estimateConfidence, type ScoreList, scoreResamples } from './resamples.js';

/** `ar`: approximate randomization; `bs`: bootstrap resampling. */
export type PairedTestName = 'ar' | 'bs';

export interface PairedOptions {
  test?: PairedTestName;
  /** Trials of `ar` (10,000 unless given) or resamples of `bs` (1,000). */
  samples?: number;
  /** With `ar`: resamples behind confidence intervals; none by default. `bs` has intervals anyway. */
  confidence?: number;
  /** Seed of the draws, 12345 by default; null draws one. */
  seed?: Seed;
}

/** A system's result; the first of a list is the baseline's, which has no p-value. */
export interface PairedResult {
  score: number;
  /** Probability of a difference as large as this one, or larger, if both outputs came from the same system. */
  pValue?: number;
  /** Mean of resampled scores, and half the width of their 95 % interval. */
  mean?: number;
  ci?: number;
}

/** What one metric says. */
export interface PairedMetric {
  /** `BLEU`, `chrF2`, ... */
  name: string;
  signature: Signature;
  /** In the order of the systems. */
  results: PairedResult[];
}

/** All systems under one metric, the baseline first; made with `keepStatistics`. */
export interface PairedInput {
  metric: Metric;
  systems: readonly Accumulator[];
}

const SAMPLES: Readonly<Record<PairedTestName, number>> = { ar: 10000, bs: 1000 };

/** (c + 1) / (n + 1), where c of n values are greater than the real difference. */
function pValue(values: Float64Array, difference: number): number {
  let greater = 0;
  for (const value of values) if (value > difference) greater++;
  return (greater + 1) / (values.length + 1);
}

/** p-value of a paired bootstrap test: how often resampled differences exceed their mean by the real difference. */
function bootstrapPValue(baseline: ScoreList, system: ScoreList, difference: number): number {
  const single = baseline.single && system.single;
  const round = single ? Math.fround : (value: number) => value;
  const differences = system.values.map((value, i) => round(Math.abs(value - baseline.values[i]!)));
  const mean = numpyMean(differences, single);
  return pValue(
    differences.map((value) => round(value - mean)),
    round(difference),
  );
}

/** A metric's systems with what the tests need of them. */
interface Entry {
  kernel: MetricKernel;
  statistics: SegmentStatistics[];
  scores: Score[];
}

function entryOf({ metric, systems }: PairedInput): Entry {
  const statistics = systems.map(({ statistics: kept }) => {
    if (kept === undefined)
      throw new SacrebleuError('A paired test needs the statistics of every segment.', 'Keep them.');
    return kept;
  });
  return { kernel: metric.kernel, statistics, scores: systems.map((system) => system.score()) };
}

function testBootstrap(entries: readonly Entry[], samples: number, seed: Seed): PairedResult[][] {
  const all = entries.flatMap(({ kernel, statistics }) => statistics.map((kept) => ({ kernel, statistics: kept })));
  const lists = scoreResamples(all, createGenerator(seed), samples);
  return entries.map(({ scores }, entry) => {
    const [baseline, ...others] = lists.slice(entry * scores.length, (entry + 1) * scores.length);
    return [baseline!, ...others].map((list, i) => {
      const { score } = scores[i]!;
      const result: PairedResult = { score, ...estimateConfidence(list) };
      if (i > 0) result.pValue = bootstrapPValue(baseline!, list, Math.abs(scores[0]!.score - score));
      return result;
    });
  });
}

function testRandomization(
  entries: readonly Entry[],
  trials: number,
  confidence: number,
  seed: Seed,
): PairedResult[][] {
  const generator = createGenerator(seed);
  const pairs = entries.flatMap(({ kernel, statistics: [baseline, ...systems] }) =>
    systems.map((system) => ({ kernel, baseline: baseline!, system })),
  );
  const differences = randomizedDifferences(pairs, generator, trials);
  const results = entries.map(({ scores }, entry) =>
    scores.map(({ score }, i): PairedResult => {
      if (i === 0) return { score };
      const real = Math.abs(scores[0]!.score - score);
      return { score, pValue: pValue(differences[entry * (scores.length - 1) + i - 1]!, real) };
    }),
  );
  if (confidence <= 0) return results;
  // The original resamples the baseline from a generator of its own, and the systems from what the trials have left.
  const baselines = entries.map(({ kernel, statistics }) => ({ kernel, statistics: statistics[0]! }));
  const systems = pairs.map(({ kernel, system }) => ({ kernel, statistics: system }));
  const ofBaselines = scoreResamples(baselines, createGenerator(seed), confidence);
  const ofSystems = scoreResamples(systems, generator, confidence);
  return results.map((row, entry) =>
    row.map((result, i) => {
      const list = i === 0 ? ofBaselines[entry]! : ofSystems[entry * (row.length - 1) + i - 1]!;
      return { ...result, ...estimateConfidence(list) };
    }),
  );
}

/** Runs a paired test on statistics that are there already. */
export function comparePaired(
  inputs: readonly PairedInput[],
  { test = 'ar', samples = 0, confidence = 0, seed = DEFAULT_SEED }: PairedOptions = {},
): PairedMetric[] {
  if (inputs.length === 0) throw new SacrebleuError('A paired test needs a metric.');
  const [{ systems }] = inputs as [PairedInput];
  if (systems.length < 2) throw new SacrebleuError('A paired test needs a baseline and at least one other system.');
  if (systems.some(({ length }) => length !== systems[0]!.length))
    throw new SacrebleuError('All systems of a paired test must have the same number of segments.');
  const count = samples > 0 ? samples : SAMPLES[test];
  const entries = inputs.map(entryOf);
  const results =
    test === 'bs' ? testBootstrap(entries, count, seed) : testRandomization(entries, count, confidence, seed);
  return inputs.map(({ metric, systems: [baseline] }, i) => {
    const context = {
      references: baseline!.references,
      bootstrap: test === 'bs' ? count : confidence > 0 ? confidence : undefined,
      trials: test === 'ar' ? count : undefined,
      seed: seedText(seed),
    };
    const signature = new Signature(context, metric.kernel.entries);
    return { name: entries[i]!.scores[0]!.name, signature, results: results[i]! };
  });
}

export interface PairedTestOptions extends PairedOptions {
  /** The baseline first; each with a hypothesis per segment. */
  systems: readonly (readonly string[])[];
  references: References;
  metrics: readonly Metric[];
}

/** Scores several systems with several metrics and tests each against the first. */
export function pairedTest({ systems, references, metrics, ...options }: PairedTestOptions): PairedMetric[] {
  const inputs = metrics.map((metric): PairedInput => {
    const prepared = metric.prepareReferences(references);
    const accumulators = systems.map((hypotheses) => {
      if (hypotheses.length !== prepared.segments.length) {
        throw new SacrebleuError(
          `A system has ${hypotheses.length} hypotheses, and there are ${prepared.segments.length} segments of references.`,
        );
      }
      const corpus = metric.accumulate({ keepStatistics: true });
      for (const [i, hypothesis] of hypotheses.entries()) corpus.addPrepared(hypothesis, prepared.segments[i]!);
      return corpus;
    });
    return { metric, systems: accumulators };
  });
  return comparePaired(inputs, options);
}
