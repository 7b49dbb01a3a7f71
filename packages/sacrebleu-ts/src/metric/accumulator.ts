/** A corpus added segment by segment: what is kept does not grow with it, unless every segment's statistics are asked for. */
import { SacrebleuError } from '../errors.js';
import type { Seed } from '../random/draws.js';
import { bootstrapConfidence } from '../significance/bootstrap.js';
import type { MetricKernel } from './kernel.js';
import { countReferences, type MaybeReference, presentReferences } from './references.js';
import type { Score } from './score.js';
import { type ReferenceCount, Signature } from './signature.js';
import { SegmentStatistics } from './statistics.js';

export interface BootstrapOptions {
  /** Resamples behind the confidence interval; without it, or with 1, there is none. */
  bootstrap?: number;
  /** Seed of the resamples, 12345 by default; null draws one. */
  seed?: Seed;
}

export interface AccumulatorOptions {
  /** Keep the statistics of every segment, which bootstrap and paired tests need. */
  keepStatistics?: boolean;
  /** Called once after 100 hypotheses that end in a separated full stop: they look tokenized. */
  onTokenized?: () => void;
}

/** Hypotheses that may end in " ." before the original warns. */
const TOKENIZED_LINES = 100;

export class Accumulator<S extends Score = Score, Prepared = unknown> {
  readonly #kernel: MetricKernel<S, Prepared>;
  readonly #onTokenized?: () => void;
  readonly #row: Float64Array;
  readonly #sums: Float64Array;
  #segments = 0;
  #tokenized = 0;
  #references?: ReferenceCount;
  /** Statistics of every segment, where they are kept. */
  readonly statistics?: SegmentStatistics;

  constructor(kernel: MetricKernel<S, Prepared>, { keepStatistics = false, onTokenized }: AccumulatorOptions = {}) {
    this.#kernel = kernel;
    this.#onTokenized = onTokenized;
    this.#row = new Float64Array(kernel.width);
    this.#sums = new Float64Array(kernel.width);
    if (keepStatistics) this.statistics = new SegmentStatistics(kernel.width);
  }

  /** Segments added so far. */
  get length(): number {
    return this.#segments;
  }

  /** Adds a segment. References that are `null` or `undefined` do not count. */
  add(hypothesis: string, references: readonly MaybeReference[]): void {
    const present = presentReferences(references, this.#segments + 1);
    this.addPrepared(
      hypothesis,
      present.map((reference) => this.#kernel.prepare(reference)),
    );
  }

  /** Adds a segment whose references have been prepared. */
  addPrepared(hypothesis: string, references: readonly Prepared[]): void {
    if (typeof hypothesis !== 'string') {
      const kind = hypothesis === null ? 'null' : typeof hypothesis;
      throw new SacrebleuError(`The hypothesis of segment ${this.#segments + 1} is not a string but ${kind}.`);
    }
    if (this.#onTokenized !== undefined && hypothesis.endsWith(' .') && ++this.#tokenized === TOKENIZED_LINES)
      this.#onTokenized();
    this.#references = countReferences(this.#references, references.length);
    this.#kernel.compare(hypothesis, references, this.#row);
    for (let i = 0; i < this.#row.length; i++) this.#sums[i] = this.#sums[i]! + this.#row[i]!;
    this.statistics?.push(this.#row);
    this.#segments++;
  }

  /** Number of references of the segments so far. */
  get references(): ReferenceCount {
    if (this.#references === undefined) throw new SacrebleuError(`${this.#kernel.name}: there are no segments.`);
    return this.#references;
  }

  /** The score of all segments so far. */
  score({ bootstrap = 1, seed }: BootstrapOptions = {}): S {
    const { references } = this;
    const wanted = bootstrap > 1;
    if (!wanted) return this.#kernel.score(this.#sums, new Signature({ references }, this.#kernel.entries));
    if (this.statistics === undefined)
      throw new SacrebleuError('A confidence interval needs the statistics of every segment.', 'Keep them.');
    const { confidence, seed: shown } = bootstrapConfidence(this.#kernel, this.statistics, bootstrap, seed);
    const signature = new Signature({ references, bootstrap, seed: shown }, this.#kernel.entries);
    const score = this.#kernel.score(this.#sums, signature);
    score.confidence = confidence;
    return score;
  }
}
