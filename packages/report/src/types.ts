/** The report's own data, `report.json`. */
import type { JudgedExpectation, Metrics } from '@t2r/core';

/** One line of the results table: a checkpoint. Perplexities are per token of the run's tokenizer. */
export interface ResultRow {
  /** Step id of the checkpoint. */
  id: string;
  /** Attention of its layers, e.g. `softmax`, `t2r-mlp`, `t2r-mlp ×3, softmax`. */
  attention?: string;
  /** Optimizer steps this step took; 0 for a checkpoint that was only converted. */
  steps?: number;
  valid?: number;
  test?: number;
  /** Bits per UTF-8 byte of the test text (of the validation text where there is no test split). */
  bitsPerByte?: number;
  /** Test perplexity over the baseline's, minus 1 (0.04 = 4 % worse). Absent for the baseline itself. */
  delta?: number;
  /** Decoding speed at `position`, tokens per second. */
  tokensPerSecond?: number;
  /** Recurrent state (or cache) of one sequence at `position`, bytes. */
  stateBytes?: number;
  /** Position at which speed and state were measured: the last one measured. */
  position?: number;
  /** Wall-clock time of the step that made the checkpoint. */
  seconds: number;
}

/** A score of sacreBLEU's, half the width of its interval where there is one, and how it was computed. */
export interface TranslationScore {
  score: number;
  interval?: number;
  signature: string;
}

/** One line of the table of translations: a checkpoint on a split. */
export interface TranslationResult {
  /** Step id of the checkpoint. */
  id: string;
  /** Self-attention of the decoder's layers, and its attention to the source. */
  attention?: string;
  cross?: string;
  /** Optimizer steps this step took; 0 for a checkpoint that was only converted. */
  steps: number;
  split: string;
  bleu: TranslationScore;
  chrf: TranslationScore;
  ter?: TranslationScore;
  sentencesPerSecond: number;
}

export interface CurvePoint {
  step: string;
  series: string;
  x: number;
  y: number;
}

/** A point of the generation curve. */
export interface GenerationPoint {
  /** Checkpoint that generated. */
  step: string;
  position: number;
  tokensPerSecond?: number;
  /** State (or cache) of one sequence. */
  stateBytes?: number;
  /** Resident memory of the whole process. */
  rssBytes?: number;
}

/** A point of a curve over length. */
export interface SpeedPoint {
  /** What the line is called: a checkpoint or a model, and its attention. */
  series: string;
  /** Sequences side by side. */
  batch: number;
  /** Tokens in the state; of source and target where a model translates. */
  length: number;
  /** Of all sequences together. */
  tokensPerSecond?: number;
  /** From a prompt of that length to the first token. */
  firstTokenSeconds?: number;
  /** Of one sequence. */
  stateBytes?: number;
  /** Resident memory of the whole process. */
  rssBytes?: number;
}

export interface Sample {
  step: string;
  prompt: string;
  text: string;
}

/** What a conversion did with each layer. */
export interface Conversion {
  /** Step that converted. */
  step: string;
  layers: {
    /** Index from 0 at the input. */
    layer: number;
    /** Attention that it has now. */
    attention: string;
    swapped: boolean;
    reason: string;
    /** What it was chosen by, where it was measured. */
    measured?: Record<string, number>;
  }[];
}

export interface Environment {
  node: string;
  platform: string;
  cpu: string;
  /** Logical processors that the process may run on; engines run on one thread a physical core by default. */
  processors: number;
  versions: Record<string, string>;
}

/** The content of `report.json`, from which the page is rendered. */
export interface ReportData {
  format: 't2r-report';
  version: 1;
  name: string;
  title: string;
  /** ISO 8601. */
  created: string;
  /** Step id that `delta` is relative to. */
  baseline?: string;
  rows: ResultRow[];
  translations: TranslationResult[];
  expectations: JudgedExpectation[];
  conversions: Conversion[];
  /** How perplexity was measured, one sentence each. */
  protocol: string[];
  loss: CurvePoint[];
  generation: GenerationPoint[];
  /** Of `evaluate/translation-speed`. */
  translationSpeed: SpeedPoint[];
  samples: Sample[];
  steps: { id: string; use: string; key: string; seconds: number; metrics: Metrics }[];
  environment: Environment;
  recipe?: string;
}
