/**
 * All ways in which words can be put together from pieces, as flat lists: for each word the pieces that stand at each of its
 * places. They are found once; when pieces are dropped, the lists are thinned out.
 */
import type { CharTrie } from './char-trie.js';

/** Piece of a place whose own character is no piece any more. */
export const UNKNOWN_PIECE = -1;

/** Words to be segmented: word w is chars[starts[w]] up to chars[starts[w + 1]]. */
export interface Stretches {
  chars: Int32Array;
  starts: Int32Array;
}

export class Lattices {
  /** Edges of word w are those from first[w] up to first[w + 1], by rising begin. */
  readonly first: Int32Array;
  /** First and last-plus-one place of each edge within its word. */
  begins: Uint16Array;
  ends: Uint16Array;
  /** Piece of each edge, or `UNKNOWN_PIECE`. */
  pieces: Int32Array;
  /** Length of the longest word. */
  readonly longest: number;
  readonly #words: Stretches;

  /** @param pieceAt The piece that ends at each node of the trie, or `UNKNOWN_PIECE`. */
  constructor(words: Stretches, trie: CharTrie, pieceAt: Int32Array) {
    this.#words = words;
    const { chars, starts } = words;
    const count = starts.length - 1;
    this.first = new Int32Array(count + 1);
    let longest = 0;
    const edges = { begins: new Uint16Array(1024), ends: new Uint16Array(1024), pieces: new Int32Array(1024) };
    let size = 0;
    const add = (begin: number, end: number, piece: number) => {
      if (size === edges.pieces.length) {
        edges.begins = doubled(edges.begins, new Uint16Array(size * 2));
        edges.ends = doubled(edges.ends, new Uint16Array(size * 2));
        edges.pieces = doubled(edges.pieces, new Int32Array(size * 2));
      }
      edges.begins[size] = begin;
      edges.ends[size] = end;
      edges.pieces[size++] = piece;
    };
    for (let w = 0; w < count; w++) {
      const start = starts[w]!;
      const length = starts[w + 1]! - start;
      longest = Math.max(longest, length);
      for (let begin = 0; begin < length; begin++) {
        let node = 0;
        for (let end = begin; end < length; end++) {
          node = trie.step(node, chars[start + end]!);
          const piece = node < 0 ? UNKNOWN_PIECE : pieceAt[node]!;
          // There is a way on from every place, if only by an unknown character.
          if (piece !== UNKNOWN_PIECE || end === begin) add(begin, end + 1, piece);
          if (node < 0) break;
        }
      }
      this.first[w + 1] = size;
    }
    this.longest = longest;
    this.begins = edges.begins.slice(0, size);
    this.ends = edges.ends.slice(0, size);
    this.pieces = edges.pieces.slice(0, size);
  }

  get words(): number {
    return this.first.length - 1;
  }

  length(word: number): number {
    return this.#words.starts[word + 1]! - this.#words.starts[word]!;
  }

  /** Renames pieces, and drops the edges of those whose new number is negative; single characters become unknown. */
  keep(renamed: Int32Array): void {
    let size = 0;
    let from = 0;
    for (let w = 0; w < this.words; w++) {
      const to = this.first[w + 1]!;
      for (let edge = from; edge < to; edge++) {
        const old = this.pieces[edge]!;
        const piece = old < 0 ? UNKNOWN_PIECE : renamed[old]!;
        const single = this.ends[edge]! - this.begins[edge]! === 1;
        if (piece < 0 && !single) continue;
        this.begins[size] = this.begins[edge]!;
        this.ends[size] = this.ends[edge]!;
        this.pieces[size++] = piece < 0 ? UNKNOWN_PIECE : piece;
      }
      from = to;
      this.first[w + 1] = size;
    }
    this.begins = this.begins.slice(0, size);
    this.ends = this.ends.slice(0, size);
    this.pieces = this.pieces.slice(0, size);
  }
}

function doubled<T extends Uint16Array | Int32Array>(old: T, fresh: T): T {
  fresh.set(old);
  return fresh;
}
