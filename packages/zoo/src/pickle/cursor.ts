/** Reading a pickle's bytes in order; every length is checked against what is left. */

/** The bytes end in the middle of a pickle. */
export class PickleEnd extends Error {}

/** The pickle is not one that is read. */
export class PickleError extends Error {}

/** Integers of more bytes than this are nobody's sizes. */
const LONGEST_INTEGER = 1024;

export class PickleCursor {
  position = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where `length` bytes begin, which are then behind the cursor. */
  #take(length: number): number {
    const start = this.position;
    if (length > this.#bytes.length - start) throw new PickleEnd();
    this.position = start + length;
    return start;
  }

  /** A frame promises that its bytes follow. */
  expect(length: number): void {
    if (length > this.#bytes.length - this.position) throw new PickleEnd();
  }

  uint8 = () => this.#bytes[this.#take(1)]!;
  uint16 = () => this.#bytes.readUInt16LE(this.#take(2));
  uint32 = () => this.#bytes.readUInt32LE(this.#take(4));
  int32 = () => this.#bytes.readInt32LE(this.#take(4));
  /** Lengths beyond 2^53 come out rounded, which is too long either way. */
  uint64 = () => Number(this.#bytes.readBigUInt64LE(this.#take(8)));
  float64 = () => this.#bytes.readDoubleBE(this.#take(8));

  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    const start = this.#take(length);
    return this.#bytes.toString(encoding, start, start + length);
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.position);
    if (end < 0) throw new PickleEnd();
    const text = this.text(end - this.position);
    this.position++;
    return text;
  }

  /** A signed little-endian integer of any length. */
  integer(length: number): number | bigint {
    if (length > LONGEST_INTEGER) throw new PickleError(`an integer of ${length} bytes`);
    if (length === 0) return 0;
    const digits = Buffer.from(this.bytes(length)).reverse().toString('hex');
    const value = BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}
