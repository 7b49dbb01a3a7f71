/** Resident memory while a model decodes, and the memory there is. */
import { freemem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createRandom } from '@t2r/core';
import { argmax, type TextGenerator } from '@t2r/generation';

/** Bytes that this process can still take. */
export const availableMemory = (): number => process.availableMemory?.() ?? freemem();

/** Collects garbage when called, so that what is read afterwards is what is held. Made once: it holds a context of V8. */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

export interface MemoryGrowthOptions {
  /** Steps between the first and the last reading. */
  tokens: number;
  seed: number;
  signal?: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

export interface MemoryGrowth {
  /** Tokens decoded between the first and the last reading. */
  tokens: number;
  /** Resident memory of the process at the last reading, less that at the first; garbage is collected before each. */
  growthBytes: number;
  readings: { position: number; rssBytes: number }[];
}

/**
 * Tokens before the first reading that counts, at most as many as are measured. Until then V8 optimises its code, and each of the
 * threads that programs run on fills its own pool of the C library's allocator: some 2 MB, reached after 10,000 to 15,000 tokens.
 */
const SETTLING = 16_384;
/** Readings meanwhile that do not count: the first collections leave V8's heap laid out anew, 4 MB of it once. */
const DISCARDED = 4;
const READINGS = 10;
const PROGRESS_EVERY = 256;

/** Really decodes, token by token, and reads the resident memory on the way. For a generator of batch 1. */
export async function measureMemory(
  generator: TextGenerator,
  { tokens, seed, signal, onProgress }: MemoryGrowthOptions,
): Promise<MemoryGrowth> {
  const readings: MemoryGrowth['readings'] = [];
  const collectGarbage = garbageCollector();
  const read = async () => {
    // Finalisers of native memory run between two collections.
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 20));
    collectGarbage();
    return { position: generator.position, rssBytes: process.memoryUsage.rss() };
  };
  generator.reset();
  let logits = await generator.next(createRandom(seed, 'memory').integer(generator.model.config.vocab));
  const settling = Math.min(SETTLING, tokens);
  const total = settling + tokens;
  const discardEvery = Math.ceil(settling / DISCARDED);
  for (let i = 0; i <= total; i++) {
    signal?.throwIfAborted();
    if (i < settling && i % discardEvery === 0) await read();
    if (i >= settling && Math.floor(((i - settling) * READINGS) / tokens) === readings.length)
      readings.push(await read());
    if (i === total) break;
    logits = await generator.next(argmax(logits));
    if (i % PROGRESS_EVERY === 0) onProgress?.(i, total);
  }
  return { tokens, growthBytes: readings.at(-1)!.rssBytes - readings[0]!.rssBytes, readings };
}
