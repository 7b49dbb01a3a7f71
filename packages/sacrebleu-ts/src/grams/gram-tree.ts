/**
 * N-grams counted in a tree of symbols: a node for every n-gram of the references, its children one symbol longer.
 * A hypothesis is matched by walking down from each of its positions, and stops where the references have no such n-gram.
 */

const ROOT = 0;

/** Counts for one segment at a time; `clear` makes it empty without giving memory back. */
export class GramTree {
  // Open addressing; a slot holds base + node, and those below base are of earlier segments.
  #slots = new Int32Array(1024);
  #base = 1;
  #nodes = 1;
  #parent = new Int32Array(512);
  #symbol = new Int32Array(512);
  /** Most often that an n-gram occurs in one reference. */
  #most = new Int32Array(512);
  #seen = new Int32Array(512);
  #touched = new Int32Array(512);
  #touchedCount = 0;

  /** Forgets all references. */
  clear(): void {
    this.#base += this.#nodes;
    this.#nodes = 1;
    if (this.#base > 2 ** 30) {
      this.#slots.fill(0);
      this.#base = 1;
    }
  }

  /** Child of a node by a symbol, or -1. */
  #find(parent: number, symbol: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash(parent, symbol) & mask; ; slot = (slot + 1) & mask) {
      const node = slots[slot]! - this.#base;
      if (node < 0) return -1;
      if (this.#parent[node] === parent && this.#symbol[node] === symbol) return node;
    }
  }

  #insert(parent: number, symbol: number): number {
    const found = this.#find(parent, symbol);
    if (found >= 0) return found;
    if (this.#nodes === this.#parent.length) this.#grow();
    const node = this.#nodes++;
    this.#parent[node] = parent;
    this.#symbol[node] = symbol;
    this.#most[node] = 0;
    this.#seen[node] = 0;
    this.#place(node);
    return node;
  }

  #place(node: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash(this.#parent[node]!, this.#symbol[node]!) & mask;
    while (this.#slots[slot]! >= this.#base) slot = (slot + 1) & mask;
    this.#slots[slot] = this.#base + node;
  }

  /** Twice the room; slots are always at most half full. */
  #grow(): void {
    const wider = (array: Int32Array<ArrayBuffer>) => {
      const copy = new Int32Array(array.length * 2);
      copy.set(array);
      return copy;
    };
    this.#parent = wider(this.#parent);
    this.#symbol = wider(this.#symbol);
    this.#most = wider(this.#most);
    this.#seen = wider(this.#seen);
    this.#touched = wider(this.#touched);
    this.#slots = new Int32Array(this.#slots.length * 2);
    this.#base = 1;
    for (let node = 1; node < this.#nodes; node++) this.#place(node);
  }

  /** Counts an occurrence in the reference or hypothesis at hand, and gives how many there were before. */
  #count(node: number): number {
    const before = this.#seen[node]!;
    if (before === 0) this.#touched[this.#touchedCount++] = node;
    this.#seen[node] = before + 1;
    return before;
  }

  /** Adds a reference: of each n-gram up to `order` the most often counts. */
  addReference(symbols: ArrayLike<number>, length: number, order: number): void {
    for (let start = 0; start < length; start++) {
      const end = Math.min(length, start + order);
      let node = ROOT;
      for (let i = start; i < end; i++) {
        node = this.#insert(node, symbols[i]!);
        const count = this.#count(node) + 1;
        if (count > this.#most[node]!) this.#most[node] = count;
      }
    }
    this.#forgetSeen();
  }

  /**
   * Adds the number of n-grams of a hypothesis that are in the references, each at most as often as there, to
   * `matches[offset + (n - 1) * stride]` for every n up to `order`.
   */
  addMatches(
    symbols: ArrayLike<number>,
    length: number,
    order: number,
    matches: Float64Array,
    offset: number,
    stride: number,
  ): void {
    for (let start = 0; start < length; start++) {
      const end = Math.min(length, start + order);
      let node = ROOT;
      for (let i = start; i < end; i++) {
        node = this.#find(node, symbols[i]!);
        if (node < 0) break;
        const at = offset + (i - start) * stride;
        if (this.#seen[node]! < this.#most[node]!) matches[at] = matches[at]! + 1;
        this.#count(node);
      }
    }
    this.#forgetSeen();
  }

  #forgetSeen(): void {
    for (let i = 0; i < this.#touchedCount; i++) this.#seen[this.#touched[i]!] = 0;
    this.#touchedCount = 0;
  }
}

function hash(parent: number, symbol: number): number {
  const mixed = Math.imul(parent, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
