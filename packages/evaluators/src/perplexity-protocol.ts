/** What a perplexity means: without its token unit, windows and scored tokens the number compares to nothing. */
import type { Metrics } from '@t2r/core';

/** How a perplexity was measured. */
export interface PerplexityProtocol {
  /** What a token is: 'BPE token', 'word'. */
  unit: string;
  vocab: number;
  /** Positions the model sees at once. */
  window: number;
  /** Distance between the starts of neighbouring windows. */
  stride: number;
  /** Tokens scored, each once, and tokens of the text: all but the first, which has nothing before it unless `start` is. */
  scored: number;
  tokens: number;
  /** What stands before the text as context of its first token, where something does: '</s>'. */
  start?: string;
  /** UTF-8 bytes of the text. */
  bytes: number;
  /** Documents that were scored each on its own; absent where the text was scored as one. */
  documents?: number;
  /** How weights were stored, where they were rounded; the text was then read as decoding reads it. */
  weights?: 'fp32' | 'fp16' | 'int8' | 'int4';
  /** Fewest and most tokens that a scored token is predicted from. */
  context: { min: number; max: number };
}

/**
 * The protocol on one line, e.g. `ppl|unit:BPE token|vocab:4096|window:256|stride:256|scored:9/10|bytes:30|context:1-256`;
 * `|start:</s>` follows where there is a start, `|documents:50` where documents were scored each on its own, `|weights:int8` where
 * weights were rounded.
 */
export function formatPerplexityProtocol(protocol: PerplexityProtocol): string {
  const { unit, vocab, window, stride, scored, tokens, bytes, context, start, documents, weights = 'fp32' } = protocol;
  return [
    'ppl',
    `unit:${unit}`,
    `vocab:${vocab}`,
    `window:${window}`,
    `stride:${stride}`,
    `scored:${scored}/${tokens}`,
    `bytes:${bytes}`,
    `context:${context.min}-${context.max}`,
    ...(start === undefined ? [] : [`start:${start}`]),
    ...(documents === undefined ? [] : [`documents:${documents}`]),
    ...(weights === 'fp32' ? [] : [`weights:${weights}`]),
  ].join('|');
}

/** Perplexity and what belongs to it, from one sum. */
export interface PerplexityResult {
  /** exp(nats / scored). */
  perplexity: number;
  /** Mean negative log-likelihood of a token in nats. */
  natsPerToken: number;
  /** nats / (ln 2 * bytes): independent of the tokenizer. */
  bitsPerByte: number;
}

/** The figures from the summed negative log-likelihood `nats` of the scored tokens. */
export function summarizePerplexity(
  nats: number,
  { scored, bytes }: { scored: number; bytes: number },
): PerplexityResult {
  const natsPerToken = nats / scored;
  return { perplexity: Math.exp(natsPerToken), natsPerToken, bitsPerByte: nats / (Math.LN2 * bytes) };
}

/** Metric names of a checkpoint on a split. */
export function perplexityMetricNames(id: string, split: string) {
  return {
    perplexity: `${id}.${split}`,
    bitsPerByte: `${id}.${split}.bits_per_byte`,
    natsPerToken: `${id}.${split}.nats_per_token`,
  };
}

/** Metrics of a checkpoint on a split. */
export function perplexityMetrics(id: string, split: string, result: PerplexityResult): Metrics {
  const names = perplexityMetricNames(id, split);
  return {
    [names.perplexity]: result.perplexity,
    [names.bitsPerByte]: result.bitsPerByte,
    [names.natsPerToken]: result.natsPerToken,
  };
}
