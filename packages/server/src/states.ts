/** States that are kept for later requests: a bounded number, for a bounded time. */
import { randomUUID } from 'node:crypto';
import type { StateSnapshot } from '@t2r/generation';

export interface StateStore {
  readonly size: number;
  /** Bytes of the states' tensors. */
  readonly bytes: number;
  /** Keeps a state; the one used least recently leaves where there are too many. Returns its id, which cannot be guessed. */
  keep(state: StateSnapshot): string;
  /** A state that is still kept; its time begins anew. */
  find(id: string): StateSnapshot | undefined;
}

export interface StateStoreOptions {
  most: number;
  /** Milliseconds that a state is kept after its last use. */
  keptMs: number;
  now: () => number;
}

const bytesOf = ({ state }: StateSnapshot) => Object.values(state).reduce((sum, { data }) => sum + data.byteLength, 0);

export function createStateStore({ most, keptMs, now }: StateStoreOptions): StateStore {
  // In the order of their last use.
  const kept = new Map<string, { state: StateSnapshot; used: number }>();
  let bytes = 0;
  const drop = (id: string) => {
    bytes -= bytesOf(kept.get(id)!.state);
    kept.delete(id);
  };
  const expire = () => {
    for (const [id, { used }] of kept) {
      if (now() - used <= keptMs) return;
      drop(id);
    }
  };
  return {
    get size() {
      expire();
      return kept.size;
    },
    get bytes() {
      expire();
      return bytes;
    },
    keep(state) {
      expire();
      const id = `state-${randomUUID()}`;
      kept.set(id, { state, used: now() });
      bytes += bytesOf(state);
      if (kept.size > most) drop(kept.keys().next().value!);
      return id;
    },
    find(id) {
      expire();
      const found = kept.get(id);
      if (found === undefined) return undefined;
      kept.delete(id);
      kept.set(id, { ...found, used: now() });
      return found.state;
    },
  };
}
