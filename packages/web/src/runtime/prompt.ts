/** Feeding a prompt, in chunks. */
import { pause } from './pause.js';
import type { DecoderSession, Stepped } from './session.js';
import type { StateTensors } from './tensors.js';

export interface FeedOptions {
  session: DecoderSession;
  ids: readonly number[];
  /** Where it goes on from; stays as it is. */
  from: StateTensors;
  /** Positions that prefill reads at once. */
  chunk: number;
  /** Positions there is room for. */
  limit: number;
  signal?: AbortSignal;
  onRead?: (read: number, total: number) => void;
}

/** Feeds ids on top of a state: what the last run gave, undefined without ids. Where the signal stopped it, the state is as before. */
export async function feed({
  session,
  ids,
  from,
  chunk,
  limit,
  signal,
  onRead,
}: FeedOptions): Promise<Stepped | 'stopped' | undefined> {
  let state = from.share();
  let last: Stepped | undefined;
  for (let read = 0; read < ids.length; ) {
    if (signal?.aborted) {
      state.release();
      return 'stopped';
    }
    // Padding is written to caches too, so that a chunk needs room for all of it.
    const single = ids.length === 1 || state.position + chunk > limit;
    const part = Int32Array.from(ids.slice(read, read + (single ? 1 : chunk)));
    try {
      last = single ? await session.step(part[0]!, state) : await session.prefill(part, state);
    } finally {
      state.release();
    }
    state = last.state;
    read += part.length;
    onRead?.(read, ids.length);
    // Lets a signal come in.
    if (read < ids.length) await pause();
  }
  if (last === undefined) state.release();
  return last;
}
