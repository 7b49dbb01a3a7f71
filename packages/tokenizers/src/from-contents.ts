/** Makes the tokenizer that the content of a file, or of a pair of files, stands for. Needs no Node. */
import { UserError } from '@t2r/core/errors';
import { parseEntries } from './entries.js';
import { FAIRSEQ_END, FAIRSEQ_UNKNOWN, parseDict } from './fairseq-dict.js';
import { byteLevelBpeFromPair } from './gpt2-files.js';
import { kindOf } from './kinds.js';
import { parseTokenizerJson } from './load-json.js';
import { parseCodes } from './subword-nmt/codes.js';
import { SubwordNmt, subwordNmtFromCodes } from './subword-nmt/tokenizer.js';
import type { Tokenizer } from './types.js';
import { WordLevel } from './word-level.js';

export const KNOWN_KINDS =
  "expected a tokenizer.json, SentencePiece's .model, GPT-2's vocab.bpe with encoder.json (or merges.txt with vocab.json), " +
  "subword-nmt's codes with a dict.txt, Marian's source.spm and target.spm with vocab.json, a fairseq dict.txt, CTranslate2's vocabulary.json, or a folder with one of them";

/** A file of a tokenizer, read. */
export interface TokenizerContent {
  /** For messages; tells a SentencePiece model that is too damaged to be recognised by its ending. */
  name: string;
  bytes: Uint8Array;
}

/** Makes a tokenizer from the text of a tokenizer.json; `path` is for messages. */
export async function parseTokenizer(text: string, path: string): Promise<Tokenizer> {
  try {
    return await parseTokenizerJson(text);
  } catch (error) {
    throw broken(path, 'usable tokenizer.json', error);
  }
}

/**
 * Makes a tokenizer from the content of its file; `second` is the file that belongs to it, where it is half of a pair.
 * @throws UserError when the content is of no known kind or damaged.
 */
export async function tokenizerFromContents(
  { bytes, name: path }: TokenizerContent,
  second?: TokenizerContent,
): Promise<Tokenizer> {
  const kind = kindOf(bytes, path);
  switch (kind) {
    case 'tokenizer.json':
      return parseTokenizer(utf8(bytes), path);
    case 'sentencepiece': {
      if (second !== undefined) {
        const { marianFromPair } = await import('./marian/file.js');
        const vocab = utf8(second.bytes);
        return attempt(path, `usable tokenizer of Marian (with ${second.name})`, () => marianFromPair(bytes, vocab));
      }
      const { SentencePiece } = await import('./sentencepiece/sentencepiece.js');
      return attempt(path, 'usable SentencePiece model', () => SentencePiece.open(bytes));
    }
    case 'dict':
      return attempt(path, 'usable dict.txt', () => {
        return new WordLevel({ tokens: parseDict(utf8(bytes)), unknown: FAIRSEQ_UNKNOWN, endOfLine: FAIRSEQ_END });
      });
    case 'entries':
      return attempt(path, 'usable vocabulary.json', () => new WordLevel(parseEntries(utf8(bytes))));
    case 'codes': {
      const codes = await attempt(path, 'usable file of BPE codes', () => parseCodes(utf8(bytes)));
      if (second === undefined) return attempt(path, 'usable file of BPE codes', () => subwordNmtFromCodes(codes));
      const dict = utf8(second.bytes);
      return attempt(second.name, 'usable dict.txt', () => {
        return new SubwordNmt({ ...codes, tokens: parseDict(dict), endOfLine: FAIRSEQ_END });
      });
    }
    case 'vocab':
    case 'merges': {
      if (second === undefined) {
        const missing = kind === 'vocab' ? 'merges' : 'vocabulary';
        throw new UserError(`${path} is half of a tokenizer: its ${missing} is missing`, {
          hint: 'put vocab.json and merges.txt, or encoder.json and vocab.bpe, into one folder',
          location: { file: path },
        });
      }
      const [vocab, merges] = kind === 'vocab' ? [bytes, second.bytes] : [second.bytes, bytes];
      return attempt(path, `usable byte-level BPE (with ${second.name})`, () =>
        byteLevelBpeFromPair(utf8(vocab), utf8(merges)),
      );
    }
    default:
      throw new UserError(`${path} is no tokenizer of a known kind`, { hint: KNOWN_KINDS, location: { file: path } });
  }
}

const utf8 = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

async function attempt<T>(path: string, what: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    throw broken(path, what, error);
  }
}

function broken(path: string, what: string, cause: unknown): unknown {
  if (cause instanceof UserError) return cause;
  return new UserError(`${path} is no ${what}: ${(cause as Error).message}`, {
    hint: 'it may be damaged or cut off: copy or download it again, or train it anew',
    location: { file: path },
    cause,
  });
}
