/** What is compared: the exported files and the parallel form that the model was trained in. */

/** What a model is fed and should say: for each input the token that follows it. */
export interface ParitySequence {
  /** Ids of a source, its end token included; of encoder-decoders alone. */
  source?: Int32Array;
  /** [time] */
  inputs: Int32Array;
  /** [time] */
  targets: Int32Array;
}

/** Text for a comparison. */
export interface ParityText {
  /** Where it comes from, for the report: `split test of step tokens`, `text.txt`, `drawn from the model`. */
  from: string;
  sequences: ParitySequence[];
}

export interface ParityReport {
  /** Whether a float32 export is equal to the parallel form; null for others, of which the differences are only told. */
  passed: boolean | null;
  /** What was read. */
  text: string;
  /** Sequences and tokens of it. */
  sequences: number;
  tokens: number;
  /** Largest absolute difference of logits of the step graph. */
  max_difference: number;
  /** The same of the prefill graph, after each of its chunks; null for encoder-decoders. */
  max_prefill_difference: number | null;
  /** Largest absolute logit of the parallel form, which the tolerance is relative to. */
  max_logit: number;
  /** max_difference and max_prefill_difference may be as much as this times max_logit. */
  tolerance: number;
  /** Share of tokens after which both like the same token best. */
  agreement: number;
  /** Perplexity of the text, of both. */
  perplexity: { parallel: number; exported: number };
  /** Greedy generation with the exported files. */
  greedy: {
    /** Ids of the prompt: of an encoder-decoder its start token. */
    prompt: number[];
    ids: number[];
    /** How many of them the parallel form likes best too, after the same tokens. All: both generate the same text. */
    same: number;
    /** Number of the first it does not; null where there is none. */
    first_difference: number | null;
  };
}

/** Difference of logits that a float32 export may have, relative to the largest logit. */
export const TOLERANCE = 5e-5;
