/** Compiled programs by what they are compiled for. Each holds the weights, so that only the last few used are kept. */
import type { BoundProgram } from './programs.js';

export interface ProgramStore {
  get(key: string, compile: () => Promise<BoundProgram>): Promise<BoundProgram>;
  dispose(): Promise<void>;
}

/** A store of at most `room` programs; the one used least recently leaves. */
export function createProgramStore(room: number): ProgramStore {
  const kept = new Map<string, BoundProgram>();
  const release = async ({ program, variables }: BoundProgram) => {
    await program.dispose();
    variables.dispose();
  };
  return {
    async get(key, compile) {
      const found = kept.get(key) ?? (await compile());
      // Maps keep the order of insertion: the first is the one used longest ago.
      kept.delete(key);
      kept.set(key, found);
      const [oldest] = kept.keys();
      // The one before it may still hold the state of a batch that moves into the new one.
      if (kept.size > Math.max(room, 2)) {
        const dropped = kept.get(oldest!)!;
        kept.delete(oldest!);
        await release(dropped);
      }
      return found;
    },
    async dispose() {
      const all = [...kept.values()];
      kept.clear();
      for (const bound of all) await release(bound);
    },
  };
}
