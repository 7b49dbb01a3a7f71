/** What a server is told, and the limits that it keeps. */
import type { Scheduler } from '@t2r/generation';

export interface ServerLimits {
  /** Bytes of a request. */
  bodyBytes: number;
  /** New tokens of a sequence (`max_tokens`). */
  maxTokens: number;
  /** Tokens of a prompt. */
  promptTokens: number;
  /** Sequences of one request: prompts times `n`. */
  sequences: number;
  /** Sequences that may wait for a place in the batch; a request that would make more gets 429. */
  queue: number;
  /** Sequences that are being made or wait, those of slow readers included; beyond it 429. */
  concurrency: number;
  /** Milliseconds that a reader may take nothing; then the connection is closed. */
  readerMs: number;
  /** Milliseconds in which a request must have come in whole. */
  requestMs: number;
  /** Kept states, and milliseconds that one is kept after its last use. */
  states: number;
  stateMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  bodyBytes: 1 << 20,
  maxTokens: 4096,
  promptTokens: 131_072,
  sequences: 16,
  queue: 256,
  concurrency: 512,
  readerMs: 30_000,
  requestMs: 30_000,
  states: 256,
  stateMs: 3_600_000,
};

export interface ServerOptions {
  scheduler: Scheduler;
  /** Name of the model in requests and answers. */
  model: string;
  /** Requests must carry it as a bearer token. Default: none is asked for. */
  token?: string;
  limits?: Partial<ServerLimits>;
  /** The clock, in milliseconds. Default Date.now. */
  now?: () => number;
}
