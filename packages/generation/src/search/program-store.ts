/** Compiled programs by what they are compiled for. Each holds the weights, so that only the last few used are kept. */

/** Something that has compiled programs to release. */
export interface Disposable {
  dispose(): Promise<void>;
}

export interface ProgramStore<T extends Disposable> {
  /** The program under a key, compiled where it is not there. */
  get(key: string, compile: () => Promise<T>): Promise<T>;
  /** Releases all. */
  dispose(): Promise<void>;
}

/** A store of at most `room` programs (at least 2); the one used least recently leaves. */
export function createProgramStore<T extends Disposable>(room: number): ProgramStore<T> {
  const kept = new Map<string, T>();
  return {
    async get(key, compile) {
      const found = kept.get(key) ?? (await compile());
      // Maps keep the order of insertion: the first is the one used longest ago.
      kept.delete(key);
      kept.set(key, found);
      // The one before it may still hold the state of a batch that moves into the new one.
      if (kept.size > Math.max(room, 2)) {
        const [oldest, dropped] = kept.entries().next().value!;
        kept.delete(oldest);
        await dropped.dispose();
      }
      return found;
    },
    async dispose() {
      const all = [...kept.values()];
      kept.clear();
      for (const program of all) await program.dispose();
    },
  };
}
