/** Text from bytes that come in pieces. */
import { failure } from './exit.js';

/** Decodes pieces of a text; throws where bytes are not valid. */
export interface Decoder {
  decode(bytes: Uint8Array): string;
  /** What is left at the end. */
  end(): string;
}

/** Names of Python's codecs that mean ISO 8859-1 proper and ASCII; browsers' standard has Windows-1252 under these. */
const LATIN1 = /^(latin[-_]?1|l1|iso[-_]?8859[-_]?1|8859|cp819)$/;
const ASCII = /^(ascii|us[-_]ascii|646)$/;

function byteDecoder(limit: number): Decoder {
  return {
    decode(bytes) {
      const wrong = bytes.find((byte) => byte >= limit);
      if (wrong !== undefined) throw new TypeError(`byte 0x${wrong.toString(16)}`);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    },
    end: () => '',
  };
}

function standardDecoder(label: string, keepMark: boolean): Decoder {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: keepMark });
  return { decode: (bytes) => decoder.decode(bytes, { stream: true }), end: () => decoder.decode() };
}

/** UTF-16 whose byte order the first two bytes tell. */
function utf16Decoder(): Decoder {
  let inner: Decoder | undefined;
  let head: Uint8Array = new Uint8Array(0);
  return {
    decode(bytes) {
      if (inner !== undefined) return inner.decode(bytes);
      head = Buffer.concat([head, bytes]);
      if (head.length < 2) return '';
      inner = standardDecoder(head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : 'utf-16le', false);
      return inner.decode(head);
    },
    end: () => inner?.end() ?? '',
  };
}

/** The decoder of an encoding, by Python's name for it. */
export function createDecoder(encoding: string): Decoder {
  const name = encoding.trim().toLowerCase();
  if (/^utf[-_]?8$|^u8$/.test(name)) return standardDecoder('utf-8', true);
  if (/^utf[-_]?8[-_]sig$/.test(name)) return standardDecoder('utf-8', false);
  if (/^utf[-_]?16$/.test(name)) return utf16Decoder();
  const order = /^utf[-_]?16[-_]?(le|be)$/.exec(name);
  if (order !== null) return standardDecoder(`utf-16${order[1]}`, true);
  if (LATIN1.test(name)) return byteDecoder(256);
  if (ASCII.test(name)) return byteDecoder(128);
  try {
    return standardDecoder(name.replaceAll('_', '-'), true);
  } catch {
    throw failure(`There is no encoding '${encoding}'. utf-8, utf-16, latin-1 and those of browsers are known.`);
  }
}
