/** A state outside a generator. Types alone, so that browsers can use them. */
import type { HostTensor } from '@t2r/engine';

/** A copy of a state: restoring it continues the text from `position`. */
export interface GeneratorSnapshot {
  /** Positions in the state. */
  position: number;
  /** By name; growing caches hold exactly `position` positions. */
  state: Record<string, HostTensor>;
}

/** A state and what a text goes on with after it: the context of a text as it is kept in a file. */
export interface StateSnapshot extends GeneratorSnapshot {
  /**
   * Ids that follow and are not in the state yet. One is enough to go on without a prompt: feeding it gives the
   * probabilities of the next token. Default: none.
   */
  pending?: readonly number[];
  /** What the caller wants to keep beside it, for example the text that was read. */
  text?: string;
}
