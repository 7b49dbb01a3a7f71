/** The few protobuf wire forms that ONNX files need, written front to back without an intermediate tree. */

const text = new TextEncoder();

/** Payloads from this many bytes on are kept by reference and copied once, by `finish`. */
const LARGE_BYTES = 4096;
const FIRST_CAPACITY = 64;

/** Appends protobuf fields: short ones to a buffer that grows, large payloads beside it. */
export class ProtoWriter {
  /** What is finished, in order: filled buffers and large payloads. */
  readonly #parts: Uint8Array[] = [];
  /** Bytes in `#parts`. */
  #finished = 0;
  #buffer = new Uint8Array(FIRST_CAPACITY);
  /** Bytes used of the buffer. */
  #used = 0;

  get size(): number {
    return this.#finished + this.#used;
  }

  /** Makes room for so many bytes in the buffer. */
  #reserve(count: number): void {
    if (this.#used + count <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#buffer.length, this.#used + count));
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = grown;
  }

  #copy(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #append(bytes: Uint8Array): void {
    if (bytes.length < LARGE_BYTES) {
      this.#copy(bytes);
      return;
    }
    this.#flush();
    this.#parts.push(bytes);
    this.#finished += bytes.length;
  }

  /** Ends the present buffer, so that a payload can stand after it. */
  #flush(): void {
    if (this.#used === 0) return;
    this.#parts.push(this.#buffer.subarray(0, this.#used));
    this.#finished += this.#used;
    this.#buffer = new Uint8Array(FIRST_CAPACITY);
    this.#used = 0;
  }

  /** A number from 0 up to 2^53. */
  #varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7f) {
      this.#buffer[this.#used++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#used++] = rest;
  }

  #tag(field: number, wireType: number): void {
    this.#varint((field << 3) | wireType);
  }

  /** An int32, int64, uint or enum field. Negative numbers take ten bytes, as the format has it. */
  int(field: number, value: number): this {
    this.#tag(field, 0);
    if (value >= 0) {
      this.#varint(value);
      return this;
    }
    this.#reserve(10);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 0x7fn; rest >>= 7n) this.#buffer[this.#used++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#used++] = Number(rest);
    return this;
  }

  float(field: number, value: number): this {
    this.#tag(field, 5);
    this.#copy(new Uint8Array(new Float32Array([value]).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2);
    this.#varint(value.length);
    this.#append(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.#ascii(field, value) ? this : this.bytes(field, text.encode(value));
  }

  /** Names are short and ASCII, and there are tens of thousands. @returns false, with nothing written, for other strings */
  #ascii(field: number, value: string): boolean {
    const { length } = value;
    if (length > 0x7f) return false;
    this.#reserve(length + 16);
    const start = this.#used;
    this.#tag(field, 2);
    this.#buffer[this.#used++] = length;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) {
        this.#used = start;
        return false;
      }
      this.#buffer[this.#used++] = code;
    }
    return true;
  }

  message(field: number, value: ProtoWriter): this {
    this.#tag(field, 2);
    this.#varint(value.size);
    for (const part of value.#parts) this.#append(part);
    this.#copy(value.#buffer.subarray(0, value.#used));
    return this;
  }

  finish(): Uint8Array {
    this.#flush();
    const out = new Uint8Array(this.#finished);
    let offset = 0;
    for (const part of this.#parts) {
      out.set(part, offset);
      offset += part.length;
    }
    return out;
  }
}
