/** The content of a deflated entry, read forwards through a stream; going back starts over. */
import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import type { ByteSource, ClosableBytes } from '../bytes/byte-source.js';
import type { Fail } from '../format-error.js';

const PIECE = 1 << 18;

async function* pieces(packed: ByteSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < packed.size; at += PIECE) {
    const piece = new Uint8Array(Math.min(PIECE, packed.size - at));
    await packed.read(at, piece);
    yield piece;
  }
}

async function* inflate(packed: ByteSource): AsyncGenerator<Uint8Array> {
  const source = Readable.from(pieces(packed), { objectMode: false, highWaterMark: PIECE });
  const stream = createInflateRaw({ chunkSize: PIECE });
  source.on('error', (error) => stream.destroy(error));
  try {
    yield* source.pipe(stream);
  } finally {
    source.destroy();
    stream.destroy();
  }
}

/**
 * @param size bytes of the content, as the archive promises
 * @throws UserError from `read`, when the data are not deflated, or end early
 */
export function inflatedBytes(packed: ByteSource, size: number, fail: Fail): ClosableBytes {
  let stream = inflate(packed);
  let rest: Uint8Array = new Uint8Array(0);
  let cursor = 0;

  async function next(): Promise<void> {
    let result: IteratorResult<Uint8Array, unknown>;
    try {
      result = await stream.next();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
        throw fail(`damaged data: ${(error as Error).message}`);
      throw error;
    }
    if (result.done) throw fail(`damaged data: ${cursor} bytes come out of it, ${size} are promised`);
    rest = result.value;
  }

  return {
    size,
    async read(position, into) {
      if (position < cursor) {
        await stream.return(undefined);
        stream = inflate(packed);
        rest = new Uint8Array(0);
        cursor = 0;
      }
      while (cursor < position) {
        if (rest.length === 0) await next();
        const skipped = Math.min(rest.length, position - cursor);
        rest = rest.subarray(skipped);
        cursor += skipped;
      }
      for (let done = 0; done < into.length; ) {
        if (rest.length === 0) await next();
        const taken = rest.subarray(0, into.length - done);
        into.set(taken, done);
        rest = rest.subarray(taken.length);
        done += taken.length;
        cursor += taken.length;
      }
    },
    async close() {
      await stream.return(undefined);
    },
  };
}
