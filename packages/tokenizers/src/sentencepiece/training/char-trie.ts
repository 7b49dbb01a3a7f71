/** A trie over character numbers in typed arrays, for millions of entries: edges in one hash table with open addressing. */
export class CharTrie {
  #parents: Int32Array;
  #chars: Int32Array;
  #children: Int32Array;
  #mask: number;
  #nodes = 1;

  constructor(expectedNodes = 1024) {
    let capacity = 1024;
    while (capacity < expectedNodes * 2) capacity *= 2;
    this.#parents = new Int32Array(capacity).fill(-1);
    this.#chars = new Int32Array(capacity);
    this.#children = new Int32Array(capacity);
    this.#mask = capacity - 1;
  }

  /** One more than the largest node; the root is 0. */
  get size(): number {
    return this.#nodes;
  }

  /** The child of a node, or -1. */
  step(node: number, char: number): number {
    const slot = this.#slot(node, char);
    return this.#parents[slot] === -1 ? -1 : this.#children[slot]!;
  }

  /** The node of chars[from..to), made where it is missing. */
  insert(chars: Int32Array, from: number, to: number): number {
    let node = 0;
    for (let i = from; i < to; i++) {
      const slot = this.#slot(node, chars[i]!);
      if (this.#parents[slot] !== -1) {
        node = this.#children[slot]!;
        continue;
      }
      this.#parents[slot] = node;
      this.#chars[slot] = chars[i]!;
      node = this.#nodes++;
      this.#children[slot] = node;
      if (this.#nodes * 2 > this.#mask) this.#grow();
    }
    return node;
  }

  /** Where an edge lies, or the free place it would take. */
  #slot(node: number, char: number): number {
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(char, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & this.#mask;
    while (this.#parents[slot] !== -1 && (this.#parents[slot] !== node || this.#chars[slot] !== char)) {
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #grow(): void {
    const [parents, chars, children] = [this.#parents, this.#chars, this.#children];
    const capacity = parents.length * 2;
    this.#parents = new Int32Array(capacity).fill(-1);
    this.#chars = new Int32Array(capacity);
    this.#children = new Int32Array(capacity);
    this.#mask = capacity - 1;
    for (let i = 0; i < parents.length; i++) {
      if (parents[i] === -1) continue;
      const slot = this.#slot(parents[i]!, chars[i]!);
      this.#parents[slot] = parents[i]!;
      this.#chars[slot] = chars[i]!;
      this.#children[slot] = children[i]!;
    }
  }
}
