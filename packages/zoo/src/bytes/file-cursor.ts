/** Reading small fields of a file one after the other, with large parts skipped. */
import type { Fail } from '../format-error.js';
import { type ByteSource, readBytes } from './byte-source.js';

export class FileCursor {
  position = 0;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(
    readonly source: ByteSource,
    readonly fail: Fail,
    /** Bytes to read at once, or only what is asked for where the rest is wanted in order. */
    readonly ahead = 4096,
  ) {}

  /** Checks that there are so many bytes, goes beyond them and tells where they begin. */
  skip(length: number): number {
    const start = this.position;
    const end = start + length;
    if (!(end <= this.source.size))
      throw this.fail(`the file is truncated: it goes on to byte ${end}, but has ${this.source.size} bytes`);
    this.position = end;
    return start;
  }

  async take(length: number): Promise<Buffer> {
    const start = this.skip(length);
    if (start < this.#start || start + length > this.#start + this.#bytes.length) {
      this.#bytes = await readBytes(
        this.source,
        start,
        Math.min(Math.max(length, this.ahead), this.source.size - start),
      );
      this.#start = start;
    }
    return this.#bytes.subarray(start - this.#start, start - this.#start + length);
  }

  uint8 = async () => (await this.take(1))[0]!;
  uint16 = async () => (await this.take(2)).readUInt16LE();
  uint32 = async () => (await this.take(4)).readUInt32LE();
}
