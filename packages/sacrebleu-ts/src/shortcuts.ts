/** Scores in one call, under the names the original has for them. */
import { type CreateBleuOptions, createBleu } from './bleu/bleu.js';
import type { BleuScore } from './bleu/score.js';
import { type CreateChrfOptions, createChrf } from './chrf/chrf.js';
import type { ChrfScore } from './chrf/score.js';
import type { BootstrapOptions } from './metric/accumulator.js';
import type { MaybeReference, References } from './metric/references.js';
import { type CreateTerOptions, createTer, type TerScore } from './ter/ter.js';

type Hypotheses = readonly string[];
type SentenceReferences = readonly MaybeReference[];

/** BLEU of a corpus; `references[i][j]` is the i-th reference of `hypotheses[j]`. */
export function corpusBleu(
  hypotheses: Hypotheses,
  references: References,
  { bootstrap, seed, ...options }: CreateBleuOptions & BootstrapOptions = {},
): BleuScore {
  return createBleu(options).corpusScore(hypotheses, references, { bootstrap, seed });
}

/** BLEU of one sentence, only with orders that it is long enough for. */
export function sentenceBleu(
  hypothesis: string,
  references: SentenceReferences,
  options: CreateBleuOptions = {},
): BleuScore {
  return createBleu({ effectiveOrder: true, ...options }).sentenceScore(hypothesis, references);
}

/** chrF of a corpus; with `wordOrder: 2` chrF++. */
export function corpusChrf(
  hypotheses: Hypotheses,
  references: References,
  { bootstrap, seed, ...options }: CreateChrfOptions & BootstrapOptions = {},
): ChrfScore {
  return createChrf(options).corpusScore(hypotheses, references, { bootstrap, seed });
}

/** chrF of one sentence. */
export function sentenceChrf(
  hypothesis: string,
  references: SentenceReferences,
  options: CreateChrfOptions = {},
): ChrfScore {
  return createChrf(options).sentenceScore(hypothesis, references);
}

/** TER of a corpus. */
export function corpusTer(
  hypotheses: Hypotheses,
  references: References,
  { bootstrap, seed, ...options }: CreateTerOptions & BootstrapOptions = {},
): TerScore {
  return createTer(options).corpusScore(hypotheses, references, { bootstrap, seed });
}

/** TER of one sentence. */
export function sentenceTer(
  hypothesis: string,
  references: SentenceReferences,
  options: CreateTerOptions = {},
): TerScore {
  return createTer(options).sentenceScore(hypothesis, references);
}
