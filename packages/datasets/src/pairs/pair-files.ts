/** Files of a `pairs` artifact: written pair by pair, read at random. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '@t2r/core';
import { checkSplit, idBytes, openIds } from '../token-file.js';
import type { TokensSplit } from '../types.js';
import { writeTogether } from '../write-together.js';
import type { Lengths, PairReader, PairsData, PairsFile, PairsSplit } from './types.js';

/** Pairs gathered before they are written. */
const GATHER = 4096;

/** Ids of the sentences of a pair, and the number of its line from 0. */
export interface EncodedPair {
  source: Int32Array;
  target: Int32Array;
  line: number;
}

/** Writes the files of a split. Returns what the artifact's data says of it. */
export async function writePairs(
  folder: string,
  split: string,
  dtypes: { source: TokensSplit['dtype']; target: TokensSplit['dtype'] },
  pairs: AsyncIterable<EncodedPair>,
): Promise<PairsSplit> {
  const side = (name: 'source' | 'target'): PairsFile => ({
    file: `${split}.${name}.bin`,
    dtype: dtypes[name],
    tokens: 0,
    offsets: `${split}.${name}.offsets.bin`,
    longest: 0,
  });
  const data: PairsSplit = { pairs: 0, source: side('source'), target: side('target'), lines: `${split}.lines.bin` };
  const names = [data.source.file, data.source.offsets, data.target.file, data.target.offsets, data.lines];
  await writeTogether(
    names.map((name) => join(folder, name)),
    async (files) => {
      const held = names.map(() => [] as Buffer[]);
      const flush = async () => {
        for (const [i, file] of files.entries()) await file.writeFile(Buffer.concat(held[i]!.splice(0)));
      };
      const add = (sentence: Int32Array, file: PairsFile, at: number) => {
        held[at]!.push(idBytes(sentence, file.dtype));
        file.tokens += sentence.length;
        file.longest = Math.max(file.longest, sentence.length);
        held[at + 1]!.push(float64(file.tokens));
      };
      held[1]!.push(float64(0));
      held[3]!.push(float64(0));
      for await (const { source, target, line } of pairs) {
        add(source, data.source, 0);
        add(target, data.target, 2);
        held[4]!.push(idBytes([line], 'uint32'));
        if (++data.pairs % GATHER === 0) await flush();
      }
      await flush();
    },
  );
  return data;
}

function float64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/**
 * Opens one split of a `pairs` artifact. Its lengths are held in memory, 2 or 4 bytes a sentence; everything else is read
 * when it is asked for.
 * @throws UserError when there is no such split, or a file is missing, of another length or damaged.
 */
export function openPairs(folder: string, data: PairsData, split: string): PairReader {
  checkSplit(Object.keys(data.splits), split);
  const { pairs, source, target, lines } = data.splits[split]!;
  const open: { close(): void }[] = [];
  try {
    const opened = <T extends { close(): void }>(file: T) => {
      open.push(file);
      return file;
    };
    const a = opened(openSide(folder, source, pairs));
    const b = opened(openSide(folder, target, pairs));
    const numbers = opened(openIds(join(folder, lines), 'uint32', pairs));
    const number = new Int32Array(1);
    return {
      pairs,
      sourceLengths: a.lengths,
      targetLengths: b.lengths,
      readSource: a.read,
      readTarget: b.read,
      line(pair) {
        numbers.read(pair, 1, number);
        return number[0]!;
      },
      close: () => {
        for (const file of open) file.close();
      },
    };
  } catch (error) {
    for (const file of open) file.close();
    throw error;
  }
}

function openSide(folder: string, { file, dtype, tokens, offsets, longest }: PairsFile, pairs: number) {
  const ids = openIds(join(folder, file), dtype, tokens);
  const path = join(folder, offsets);
  try {
    const starts = openOffsets(path, pairs, tokens, longest);
    return {
      lengths: starts.lengths,
      read(pair: number, out: Int32Array, offset: number) {
        ids.read(starts.at(pair), starts.lengths[pair]!, out, offset);
      },
      close() {
        ids.close();
        starts.close();
      },
    };
  } catch (error) {
    ids.close();
    throw error;
  }
}

const damaged = (path: string, what: string, cause?: unknown) =>
  new UserError(`the file of offsets ${path} ${what}`, {
    location: { file: path },
    hint: 'encode the text again',
    cause,
  });

function openOffsets(path: string, pairs: number, tokens: number, longest: number) {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw damaged(path, `cannot be read: ${(error as Error).message}`, error);
  }
  try {
    const { size } = fstatSync(file);
    if (size !== 8 * (pairs + 1)) throw damaged(path, `has ${size} bytes, expected ${8 * (pairs + 1)}`);
    const lengths: Lengths = longest <= 0xffff ? new Uint16Array(pairs) : new Uint32Array(pairs);
    const buffer = Buffer.alloc(1 << 18);
    let before = 0;
    for (let read = 0, position = 0; position < size; position += read) {
      read = readSync(file, buffer, 0, buffer.length, position) & ~7;
      if (read === 0) throw damaged(path, 'was cut off while it was read');
      for (let i = 0; i < read; i += 8) {
        const at = position / 8 + i / 8;
        const offset = buffer.readDoubleLE(i);
        const length = offset - before;
        if (!(at === 0 ? offset === 0 : length >= 0 && length <= longest)) throw damaged(path, 'is damaged');
        if (at > 0) lengths[at - 1] = length;
        before = offset;
      }
    }
    if (before !== tokens) throw damaged(path, 'is damaged');
    const one = Buffer.alloc(8);
    return {
      lengths,
      at(pair: number): number {
        if (readSync(file, one, 0, 8, 8 * pair) !== 8) throw damaged(path, 'was cut off while it was read');
        return one.readDoubleLE();
      },
      close: () => closeSync(file),
    };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}
