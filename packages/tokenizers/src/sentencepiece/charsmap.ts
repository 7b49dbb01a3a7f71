/**
 * The rules by which SentencePiece replaces characters, in the compiled form of a model's `precompiled_charsmap`: the size
 * of a double array in bytes (32 bits, little-endian), the array, and the replacements, each ended by a zero byte. The array
 * leads from the UTF-8 bytes of a sequence to the place of its replacement. The longest sequence counts.
 */
import { buildDoubleArray, inspectDoubleArray, longestPrefix, type TrieEntry } from './double-array.js';

/** Sequences that may be prefixes of one another; SentencePiece has room for this many results. */
const MAX_CHAIN = 31;

/** A compiled charsmap, ready for use. */
export interface Charsmap {
  units: Uint32Array;
  replacements: Uint8Array;
}

/** Compiles rules from sequences to what they become. */
export function compileCharsmap(rules: ReadonlyMap<string, string>): Uint8Array {
  const encoder = new TextEncoder();
  const places = new Map<string, number>();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const target of [...new Set(rules.values())].sort()) {
    places.set(target, length);
    const bytes = encoder.encode(`${target}\0`);
    parts.push(bytes);
    length += bytes.length;
  }
  const entries: TrieEntry[] = [];
  for (const [source, target] of rules) entries.push({ key: encoder.encode(source), value: places.get(target)! });
  const units = buildDoubleArray(entries);
  const file = Buffer.alloc(4 + units.length * 4 + length);
  file.writeUInt32LE(units.length * 4, 0);
  for (const [i, unit] of units.entries()) file.writeUInt32LE(unit, 4 + i * 4);
  let at = 4 + units.length * 4;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return new Uint8Array(file);
}

/**
 * Opens a compiled charsmap and checks it to the last node: SentencePiece itself follows it blindly.
 * @throws RangeError when it is damaged.
 */
export function openCharsmap(bytes: Uint8Array): Charsmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length <= 4) throw new RangeError('the charsmap is too short');
  const size = view.getUint32(0, true);
  if (size % 4 !== 0 || 4 + size >= bytes.length) throw new RangeError('the charsmap is cut off');
  const units = new Uint32Array(size / 4);
  for (let i = 0; i < units.length; i++) units[i] = view.getUint32(4 + i * 4, true);
  const replacements = bytes.subarray(4 + size);
  const { values, longestChain } = inspectDoubleArray(units);
  if (longestChain > MAX_CHAIN) throw new RangeError('the charsmap has too many sequences that begin alike');
  if (replacements[replacements.length - 1] !== 0) throw new RangeError('the charsmap is cut off');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(replacements);
  } catch {
    throw new RangeError('the charsmap replaces by what is not UTF-8');
  }
  for (const place of values) {
    const byte = replacements[place];
    if (byte === undefined || (byte & 0xc0) === 0x80) throw new RangeError('the charsmap points beside a replacement');
  }
  return { units, replacements };
}

/** Replaces what the rules name in well-formed UTF-8; other characters stay. */
export function applyCharsmap({ units, replacements }: Charsmap, text: Uint8Array): Uint8Array {
  let out = new Uint8Array(text.length + 16);
  let length = 0;
  const append = (source: Uint8Array, from: number, to: number) => {
    if (length + to - from > out.length) {
      const grown = new Uint8Array((length + to - from) * 2);
      grown.set(out.subarray(0, length));
      out = grown;
    }
    for (let i = from; i < to; i++) out[length++] = source[i]!;
  };
  for (let at = 0; at < text.length; ) {
    const found = longestPrefix(units, text, at);
    if (found.length > 0) {
      let end = found.value;
      while (replacements[end] !== 0) end++;
      append(replacements, found.value, end);
      at += found.length;
      continue;
    }
    let end = at + 1;
    while (end < text.length && (text[end]! & 0xc0) === 0x80) end++;
    append(text, at, end);
    at = end;
  }
  return out.subarray(0, length);
}
