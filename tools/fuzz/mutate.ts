/** Changing files at random, in the ways that file readers are known to stumble over. */
import type { Random } from '@t2r/core';
import { type Member, pack, unpack, withoutChecksums } from './zip.js';

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
  // Runs of one character at several places, which patterns with repetitions in them are slow to judge.
  (bytes, random) => {
    const filling = Buffer.alloc(1 + random.integer(3000), [' ', '0', '[', '\\'][random.integer(4)]!);
    const places = Array.from({ length: 4 }, () => place(bytes, random)).sort((a, b) => b - a);
    return places.reduce((filled, at) => replaced(filled, at, at, filling), bytes);
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

/** One to several changes to some bytes, with pieces of others. */
function changed(bytes: Buffer, random: Random, other: Buffer): Buffer {
  let result = bytes;
  do result = MUTATIONS[random.integer(MUTATIONS.length)]!(result, random, other);
  while (random.integer(2) > 0);
  return result.subarray(0, LARGEST);
}

/** Changes one member of an archive, the first ones most often: they hold the headers. */
function changedMember(members: readonly Member[], random: Random, other: Buffer): Buffer {
  const chosen = random.integer(2) === 0 ? 0 : random.integer(members.length);
  const change = ({ name, content }: Member) => ({ name, content: changed(content, random, other) });
  return pack(members.map((member, i) => (i === chosen ? change(member) : member)));
}

/** A changed file; `other` gives pieces. Of archives, the content of a member is changed, or the archive itself. */
export function mutate(bytes: Buffer, random: Random, other: Buffer): Buffer {
  const members = unpack(bytes);
  if (members === undefined) return changed(bytes, random, other);
  const way = random.integer(4);
  if (way < 2) return changedMember(members, random, other);
  return changed(way === 2 ? bytes : withoutChecksums(bytes), random, other);
}
