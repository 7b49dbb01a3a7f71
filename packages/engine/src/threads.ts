/** How many threads an operator runs on, where the user leaves it to us. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

export interface MachineCores {
  /** Logical processors that this process may run on. */
  available: number;
  /** Folder in which Linux describes its processors. */
  topology: string;
}

const HERE = (): MachineCores => ({ available: availableParallelism(), topology: '/sys/devices/system/cpu' });

/** Logical processors of a core: 2 with simultaneous multithreading, 1 without or where it cannot be told. */
function processorsPerCore(topology: string): number {
  try {
    const processors = readdirSync(topology).filter((name) => /^cpu\d+$/.test(name));
    const siblings = processors.map((name) =>
      readFileSync(join(topology, name, 'topology', 'thread_siblings_list'), 'utf8').trim(),
    );
    const cores = new Set(siblings).size;
    return cores === 0 ? 1 : siblings.length / cores;
  } catch {
    return 1; // Not Linux, or a container without this folder.
  }
}

/**
 * One thread a physical core: products of matrices keep its arithmetic units busy alone, and a second thread on the same core
 * adds a barrier and shares the caches.
 */
export function defaultThreads({ available, topology }: MachineCores = HERE()): number {
  return Math.max(1, Math.ceil(available / processorsPerCore(topology)));
}
