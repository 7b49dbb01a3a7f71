/** A set of texts of which only hashes are kept, 8 to 16 bytes each. */
const FIRST_CAPACITY = 1 << 12;

export class TextSet {
  /** Two words a place; both are 0 where a place is free. */
  #table = new Uint32Array(2 * FIRST_CAPACITY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Whether the text is new; it is in the set afterwards. */
  add(text: string): boolean {
    // Two hashes of different constants, each over UTF-16 units with a final mix (MurmurHash3's).
    let a = 0x9747b28c;
    let b = 0x2f0b4a27;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x85ebca6b);
      a = (a << 13) | (a >>> 19);
      b = Math.imul(b ^ unit, 0xcc9e2d51);
      b = (b << 15) | (b >>> 17);
    }
    return this.#insert(mix(a ^ text.length) || 1, mix(b));
  }

  #insert(a: number, b: number): boolean {
    const mask = this.#table.length / 2 - 1;
    for (let place = a & mask; ; place = (place + 1) & mask) {
      const [first, second] = [this.#table[2 * place]!, this.#table[2 * place + 1]!];
      if (first === 0 && second === 0) {
        this.#table[2 * place] = a;
        this.#table[2 * place + 1] = b;
        if (++this.#size * 4 > (mask + 1) * 3) this.#grow();
        return true;
      }
      if (first === a && second === b) return false;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(2 * old.length);
    this.#size = 0;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i] !== 0 || old[i + 1] !== 0) this.#insert(old[i]!, old[i + 1]!);
    }
  }
}

function mix(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
