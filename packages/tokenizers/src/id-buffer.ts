/** Ids gathered in a growing Int32Array: a JavaScript array of numbers would take twice the memory. */
export class IdBuffer {
  #ids: Int32Array;
  #length = 0;

  /** @param expected First guess at the number of ids. */
  constructor(expected = 0) {
    this.#ids = new Int32Array(Math.max(16, Math.ceil(expected)));
  }

  push(id: number): void {
    this.#reserve(1);
    this.#ids[this.#length++] = id;
  }

  append(ids: Int32Array): void {
    this.#reserve(ids.length);
    // A loop beats `set` for the few ids of a word.
    for (let i = 0; i < ids.length; i++) this.#ids[this.#length++] = ids[i]!;
  }

  /** A copy of what was gathered. */
  finish(): Int32Array {
    return this.#ids.slice(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#ids.length) return;
    const grown = new Int32Array(Math.max(needed, this.#ids.length * 2));
    grown.set(this.#ids.subarray(0, this.#length));
    this.#ids = grown;
  }
}
