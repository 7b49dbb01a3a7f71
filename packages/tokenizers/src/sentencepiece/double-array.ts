/**
 * Tries in the double-array form of the Darts-clone library (https://github.com/s-yata/darts-clone), which SentencePiece
 * keeps its normalisation rules in. A unit is 32 bits: the label of the edge that leads to it (bits 0-7), whether its node
 * ends a key (bit 8), and how far its children are (bits 10-30, in steps of 256 when bit 9 is set). The child of node n for
 * byte b is unit n ^ offset(n) ^ b; the child for byte 0 holds the value of a key in bits 0-30, bit 31 set.
 */

const LEAF = 0x80000000;
const HAS_LEAF = 0x100;
const BLOCK = 256;
/** Blocks at the end of the array in which free units are still looked for. */
const OPEN_BLOCKS = 16;
/** Offsets up to 2^21 fit in place; larger ones would need the coarse form, which these sizes never need. */
const MAX_UNITS = 1 << 21;

const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);
const labelOf = (unit: number) => (unit & (LEAF | 0xff)) >>> 0;

/** A key and its value: bytes other than 0, and an integer from 0 to 2^31 - 1. */
export interface TrieEntry {
  key: Uint8Array;
  value: number;
}

/**
 * Builds the units of a trie in which keys share their last nodes where those are the same, values included: the rules of
 * nmt_nfkc shrink to a tenth by it. Keys must be different; their order does not matter.
 * @throws RangeError when keys are empty, repeated, hold a zero byte or are too many.
 */
export function buildDoubleArray(entries: readonly TrieEntry[]): Uint32Array {
  const sorted = [...entries].sort((a, b) => Buffer.compare(a.key, b.key));
  const builder = new Builder();
  builder.place(shareNodes(sorted), 0);
  return builder.finish();
}

/** A node of the trie before it has a place: its value when it ends a key, and its children by rising label. */
interface Node {
  value: number | undefined;
  children: readonly (readonly [label: number, node: Node])[];
}

/** The trie of sorted entries as a graph in which equal subtrees are one. */
function shareNodes(entries: readonly TrieEntry[]): Node {
  const known = new Map<string, Node>();
  const numbers = new Map<Node, number>();
  const build = (begin: number, end: number, depth: number): Node => {
    let value: number | undefined;
    let at = begin;
    if (at < end && entries[at]!.key.length === depth) {
      value = entries[at++]!.value;
      if (depth === 0) throw new RangeError('an empty key');
      if (at < end && entries[at]!.key.length === depth) throw new RangeError('a repeated key');
    }
    const children: [number, Node][] = [];
    let signature = `${value}`;
    while (at < end) {
      const label = entries[at]!.key[depth]!;
      if (label === 0) throw new RangeError('a key with a zero byte');
      let stop = at + 1;
      while (stop < end && entries[stop]!.key[depth] === label) stop++;
      const child = build(at, stop, depth + 1);
      children.push([label, child]);
      signature += ` ${label},${numbers.get(child)}`;
      at = stop;
    }
    let node = known.get(signature);
    if (node === undefined) {
      node = { value, children };
      numbers.set(node, known.size);
      known.set(signature, node);
    }
    return node;
  };
  return build(0, entries.length, 0);
}

class Builder {
  #units = new Uint32Array(BLOCK * 4);
  #used = new Uint8Array(BLOCK * 4);
  #isBase = new Uint8Array(BLOCK * 4);
  #size = BLOCK;
  /** No unit below this one is free. */
  #firstFree = 1;
  /** Where the children of a node lie; nodes that are shared are laid out once. */
  readonly #bases = new Map<Node, number>();

  constructor() {
    this.#used[0] = 1;
  }

  /** Lays out all that is below a node whose own unit is `unit`. */
  place(node: Node, unit: number): void {
    const placed = this.#bases.get(node);
    const labels = node.children.map(([label]) => label);
    if (node.value !== undefined) labels.unshift(0);
    if (labels.length === 0) return;
    const base = placed ?? this.#findBase(labels, unit);
    this.#units[unit] = (this.#units[unit]! | ((unit ^ base) << 10) | (node.value === undefined ? 0 : HAS_LEAF)) >>> 0;
    if (placed !== undefined) return;
    this.#bases.set(node, base);
    this.#isBase[base] = 1;
    for (const label of labels) {
      this.#used[base ^ label] = 1;
      this.#units[base ^ label] = label === 0 ? (LEAF | node.value!) >>> 0 : label;
    }
    for (const [label, child] of node.children) this.place(child, base ^ label);
  }

  /** Unused units get labels that no node leads to; label 0 would let a zero byte in a text lead there. */
  finish(): Uint32Array {
    for (let start = 0; start < this.#size; start += BLOCK) {
      // A block without a base that is free has no unit that is free either: each base owns at least one unit.
      const base = this.#isBase.subarray(start, start + BLOCK).indexOf(0);
      for (let i = 0; i < BLOCK; i++) {
        if (this.#used[start + i] === 0) this.#units[start + i] = i ^ base;
      }
    }
    return this.#units.slice(0, this.#size);
  }

  /** The first base whose units for all labels are free. Two nodes may not share a base: their labels would mix. */
  #findBase(labels: readonly number[], node: number): number {
    while (this.#firstFree < this.#size && this.#used[this.#firstFree] === 1) this.#firstFree++;
    // Older blocks are all but full; looking through them again and again would take quadratic time.
    this.#firstFree = Math.max(this.#firstFree, this.#size - OPEN_BLOCKS * BLOCK);
    for (let unit = this.#firstFree; ; unit++) {
      if (unit >= this.#size) this.#grow();
      if (this.#used[unit] === 1) continue;
      const base = unit ^ labels[0]!;
      if (this.#isBase[base] === 0 && base !== node && labels.every((label) => this.#used[base ^ label] === 0)) {
        return base;
      }
    }
  }

  #grow(): void {
    this.#size += BLOCK;
    if (this.#size > MAX_UNITS) throw new RangeError('too many keys for a double array');
    if (this.#size <= this.#units.length) return;
    const grown = <T extends Uint8Array | Uint32Array>(old: T, fresh: T) => {
      fresh.set(old);
      return fresh;
    };
    const length = this.#units.length * 2;
    this.#units = grown(this.#units, new Uint32Array(length));
    this.#used = grown(this.#used, new Uint8Array(length));
    this.#isBase = grown(this.#isBase, new Uint8Array(length));
  }
}

/** The longest key that `bytes` begin with at `from`, as its length and value; length 0 when there is none. */
export function longestPrefix(units: Uint32Array, bytes: Uint8Array, from: number): { length: number; value: number } {
  let node = offsetOf(units[0] ?? 0);
  let length = 0;
  let value = 0;
  for (let i = from; i < bytes.length; i++) {
    node ^= bytes[i]!;
    const unit = units[node];
    if (unit === undefined || labelOf(unit) !== bytes[i]) break;
    node ^= offsetOf(unit);
    if ((unit & HAS_LEAF) !== 0) {
      length = i + 1 - from;
      value = units[node]! & 0x7fffffff;
    }
  }
  return { length, value };
}

/** What a walk through all nodes of a trie found. */
export interface TrieShape {
  /** Values of all keys. */
  values: number[];
  /** The most keys that are prefixes of one key, itself included. */
  longestChain: number;
}

/**
 * Walks through a trie of unknown origin. Darts-clone lets keys share their last nodes, so a node may be reached in several
 * ways, but never from itself.
 * @throws RangeError when it is none: a child outside the array, a key without a value, or a circle.
 */
export function inspectDoubleArray(units: Uint32Array): TrieShape {
  if (units.length === 0 || units.length % BLOCK !== 0) throw new RangeError(`${units.length} units are no trie`);
  // Every unit is at the same time the possible child of one base, by its own label: lists of children by base.
  const first = new Int32Array(units.length).fill(-1);
  const next = new Int32Array(units.length);
  for (let unit = 0; unit < units.length; unit++) {
    const label = labelOf(units[unit]!);
    if (label === 0 || label > 0xff) continue;
    const base = unit ^ label;
    next[unit] = first[base]!;
    first[base] = unit;
  }
  const values: number[] = [];
  /** Longest chain of keys from each node down, itself included; -1 while its children are being walked. */
  const chains = new Int32Array(units.length);
  const done = new Uint8Array(units.length);
  const stack = [0];
  while (stack.length > 0) {
    const node = stack[stack.length - 1]!;
    const base = node ^ offsetOf(units[node]!);
    if (done[node] === 0) {
      if (chains[node] === -1) {
        // All children are known.
        let below = 0;
        for (let child = first[base]!; child >= 0; child = next[child]!) below = Math.max(below, chains[child]!);
        const isKey = node !== 0 && (units[node]! & HAS_LEAF) !== 0;
        chains[node] = below + (isKey ? 1 : 0);
        done[node] = 1;
        if (!isKey) continue;
        if (units[base]! < LEAF) throw new RangeError('a key without a value');
        values.push(units[base]! & 0x7fffffff);
        continue;
      }
      if (base >= units.length) throw new RangeError('a child outside of the trie');
      chains[node] = -1;
      for (let child = first[base]!; child >= 0; child = next[child]!) {
        if (chains[child] === -1) throw new RangeError('a circle in the trie');
        if (done[child] === 0) stack.push(child);
      }
      continue;
    }
    stack.pop();
  }
  return { values, longestChain: chains[0]! };
}

/** All keys of a trie with their values, in the order of their bytes. The trie must be whole (`inspectDoubleArray`). */
export function doubleArrayEntries(units: Uint32Array): TrieEntry[] {
  const entries: TrieEntry[] = [];
  const walk = (node: number, key: number[]) => {
    const base = node ^ offsetOf(units[node]!);
    if (node !== 0 && (units[node]! & HAS_LEAF) !== 0) {
      entries.push({ key: Uint8Array.from(key), value: units[base]! & 0x7fffffff });
    }
    for (let label = 1; label < BLOCK; label++) {
      const child = base ^ label;
      if (labelOf(units[child]!) === label) walk(child, [...key, label]);
    }
  };
  walk(0, []);
  return entries;
}
