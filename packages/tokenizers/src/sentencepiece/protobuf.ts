/**
 * The wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding), as far as SentencePiece's
 * `.model` files use it: varints of 32 bits, 32-bit floats and nested bytes.
 */

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** A value on the wire: a 32-bit integer (of varints the low 32 bits), a float, or bytes. */
export type WireValue =
  | { kind: 'int'; int: number }
  | { kind: 'float'; float: number }
  | { kind: 'bytes'; bytes: Uint8Array };

/**
 * Calls `visit` with each field of a message in the order of the bytes. 64-bit fixed values are skipped: no message of
 * SentencePiece has any. The bytes handed out share memory with the message.
 * @throws RangeError when the message is cut off or not in the wire format.
 */
export function readMessage(message: Uint8Array, visit: (field: number, value: WireValue) => void): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const take = (count: number) => {
    const from = at;
    at += count;
    if (at > message.length) throw new RangeError(`cut off within a field at byte ${from}`);
    return from;
  };
  /** Unsigned; bits from the 33rd on are dropped. */
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) throw new RangeError(`a number of more than 10 bytes at byte ${at}`);
      const byte = message[take(1)]!;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  };
  while (at < message.length) {
    const key = varint();
    const field = key >>> 3;
    if (field === 0) throw new RangeError(`field number 0 before byte ${at}`);
    switch (key & 7) {
      case VARINT:
        visit(field, { kind: 'int', int: varint() | 0 });
        break;
      case FIXED64:
        take(8);
        break;
      case BYTES: {
        const length = varint();
        const from = take(length);
        visit(field, { kind: 'bytes', bytes: message.subarray(from, at) });
        break;
      }
      case FIXED32:
        visit(field, { kind: 'float', float: view.getFloat32(take(4), true) });
        break;
      default:
        throw new RangeError(`unknown wire type ${key & 7} before byte ${at}`);
    }
  }
}

/** Builds a message field by field. */
export class MessageWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** A 32-bit integer, enumeration or boolean. Negative integers take ten bytes, as the format has it. */
  int(field: number, value: number): this {
    this.#varint(field * 8 + VARINT);
    if (value >= 0) this.#varint(value);
    else {
      // Two's complement in 64 bits: the low 32 bits, then 32 ones.
      let low = value >>> 0;
      for (let i = 0; i < 4; i++) {
        this.#byte((low & 0x7f) | 0x80);
        low >>>= 7;
      }
      this.#byte((low & 0x0f) | 0xf0);
      for (let i = 0; i < 4; i++) this.#byte(0xff);
      this.#byte(0x01);
    }
    return this;
  }

  bool(field: number, value: boolean): this {
    return this.int(field, value ? 1 : 0);
  }

  float(field: number, value: number): this {
    this.#varint(field * 8 + FIXED32);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + BYTES);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
  }

  #byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
