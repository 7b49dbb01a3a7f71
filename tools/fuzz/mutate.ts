/** Changing files at random, in the ways that file readers are known to stumble over. */
import type { Random } from '@t2r/core';

/** Mutated files do not grow beyond this. */
const LARGEST = 1 << 18;

/** Numbers at the edges of what fits, where sizes and offsets go wrong. */
const EDGES = [
  0n,
  1n,
  2n,
  0x7fn,
  0x80n,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const TEXTS = [
  '-1',
  '0',
  '99999999999999999999',
  '1e999',
  'null',
  '[',
  '{',
  '"',
  '\\u0000',
  "'",
  '(',
  '\n',
  '__proto__',
  '../',
];

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const place = (bytes: Buffer, random: Random) => random.integer(bytes.length + 1);

/** A run of bytes: mostly short, sometimes much of the file. */
function run(bytes: Buffer, random: Random): [number, number] {
  const start = place(bytes, random);
  const longest = random.integer(4) === 0 ? bytes.length : 16;
  return [start, Math.min(bytes.length, start + 1 + random.integer(longest + 1))];
}

const replaced = (bytes: Buffer, start: number, end: number, by: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);

function inPlace(change: (bytes: Buffer, at: number, random: Random) => void): Mutation {
  return (bytes, random) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) change(copy, random.integer(copy.length), random);
    return copy;
  };
}

function edgeNumber(bytes: Buffer, at: number, random: Random): void {
  const width = [1, 2, 4, 8][random.integer(4)]!;
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(EDGES[random.integer(EDGES.length)]!);
  if (random.integer(4) === 0) number.subarray(0, width).reverse();
  number.copy(bytes, at, 0, width);
}

/** A digit or number in a text: headers in JSON and Python are full of them. */
const textNumber: Mutation = (bytes, random) => {
  const numbers = [...bytes.toString('latin1').matchAll(/\d+/g)];
  const number = numbers[random.integer(Math.max(1, numbers.length))];
  if (number === undefined) return bytes;
  const text = TEXTS[random.integer(TEXTS.length)]!;
  return replaced(bytes, number.index, number.index + number[0].length, Buffer.from(text));
};

const MUTATIONS: readonly Mutation[] = [
  inPlace((bytes, at, random) => (bytes[at]! ^= 1 << random.integer(8))),
  inPlace((bytes, at, random) => (bytes[at] = random.integer(256))),
  inPlace((bytes, at, random) => (bytes[at]! += random.integer(2) === 0 ? 1 : -1)),
  inPlace(edgeNumber),
  textNumber,
  (bytes, random) => bytes.subarray(0, place(bytes, random)),
  (bytes, random) => replaced(bytes, ...run(bytes, random), Buffer.alloc(0)),
  (bytes, random) => {
    const [start, end] = run(bytes, random);
    return replaced(bytes, end, end, bytes.subarray(start, end));
  },
  (bytes, random) => {
    const [start, end] = run(bytes, random);
    const times = 1 << random.integer(14);
    return replaced(
      bytes,
      start,
      end,
      Buffer.alloc(Math.min((end - start) * times, LARGEST), bytes.subarray(start, end)),
    );
  },
  (bytes, random) => {
    const [start, end] = run(bytes, random);
    return replaced(bytes, start, end, Buffer.alloc(end - start, random.integer(2) === 0 ? 0 : 255));
  },
  // A piece of another file, or the rest of it.
  (bytes, random, other) => {
    const [start, end] = run(other, random);
    const at = place(bytes, random);
    return replaced(bytes, at, Math.min(bytes.length, at + end - start), other.subarray(start, end));
  },
  (bytes, random, other) =>
    Buffer.concat([bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random))]),
];

const CENTRAL_ENTRY = Buffer.from('PK\x01\x02', 'latin1');

/**
 * A zip archive whose entries say that they have no checksum. With checksums, almost every change would be found before
 * the reader behind them sees it.
 */
export function withoutChecksums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (
    let at = copy.indexOf(CENTRAL_ENTRY);
    at >= 0 && at + 20 <= copy.length;
    at = copy.indexOf(CENTRAL_ENTRY, at + 4)
  )
    copy.writeUInt32LE(0, at + 16);
  return copy;
}

/** One to several changes to a file, with pieces of another. */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let mutated = random.integer(4) === 0 ? bytes : withoutChecksums(bytes);
  do mutated = MUTATIONS[random.integer(MUTATIONS.length)]!(mutated, random, other);
  while (random.integer(2) > 0);
  return mutated.subarray(0, LARGEST);
}
