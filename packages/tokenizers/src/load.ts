/** Recognises a tokenizer by its content and makes the one that stands for it exactly. */
import { readFile, stat } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { parseEntries } from './entries.js';
import { FAIRSEQ_END, FAIRSEQ_UNKNOWN, parseDict } from './fairseq-dict.js';
import { byteLevelBpeFromPair } from './gpt2-files.js';
import { kindOf } from './kinds.js';
import { fileBeside, filesOfFolder, marianVocabulary } from './load-folder.js';
import { parseTokenizerJson } from './load-json.js';
import { parseCodes } from './subword-nmt/codes.js';
import { SubwordNmt, subwordNmtFromCodes } from './subword-nmt/tokenizer.js';
import type { Tokenizer } from './types.js';
import { WordLevel } from './word-level.js';

/** Names of a tokenizer's file in the folder of a tokenizer or a checkpoint, in the order in which they are looked for. */
export const TOKENIZER_FILE = 'tokenizer.json';
export const SENTENCEPIECE_FILE = 'tokenizer.model';

const KINDS =
  "expected a tokenizer.json, SentencePiece's .model, GPT-2's vocab.bpe with encoder.json (or merges.txt with vocab.json), " +
  "subword-nmt's codes with a dict.txt, Marian's source.spm and target.spm with vocab.json, a fairseq dict.txt, CTranslate2's vocabulary.json, or a folder with one of them";

/**
 * Loads a tokenizer from a file or a folder, whatever its kind: a tokenizer.json of Hugging Face or of this package, a
 * SentencePiece model, GPT-2's pair of files (either of them is enough to name), subword-nmt codes with the dict.txt beside
 * them, Marian's source.spm or target.spm with the vocab.json beside it (a folder of both is the target's), a fairseq dict.txt,
 * or CTranslate2's vocabulary.json of words. Names do not matter for single files.
 * @throws UserError when the file is missing, of no known kind, or damaged.
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  const [first, second] = await tokenizerFiles(path);
  return openFiles(first!, second);
}

/**
 * The files that the tokenizer at a path, a file or a folder, consists of: one, or two.
 * @throws UserError when the path does not exist or the folder has no tokenizer.
 */
export async function tokenizerFiles(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  if (found.isDirectory()) {
    const files = await filesOfFolder(path);
    if (files.length === 0) throw new UserError(`there is no tokenizer in the folder ${path}`, { hint: KINDS });
    return files;
  }
  const kind = kindOf(await readBytes(path), path);
  const pair = kind === 'codes' || kind === 'vocab' || kind === 'merges';
  const other = pair
    ? await fileBeside(path, kind)
    : kind === 'sentencepiece'
      ? await marianVocabulary(path)
      : undefined;
  return other === undefined ? [path] : [path, other];
}

/** Makes a tokenizer from the text of a tokenizer.json; `path` is for messages. */
export async function parseTokenizer(text: string, path: string): Promise<Tokenizer> {
  try {
    return await parseTokenizerJson(text);
  } catch (error) {
    throw broken(path, 'usable tokenizer.json', error);
  }
}

/** Opens a file and the one that belongs to it. */
async function openFiles(path: string, second: string | undefined): Promise<Tokenizer> {
  const bytes = await readBytes(path);
  return tokenizerFromBytes(bytes, path, second);
}

/**
 * Makes a tokenizer from the content of a file; `path` is for messages, and tells a SentencePiece model that is too damaged
 * to be recognised by its ending. `second` is the file that belongs to it, where it is half of a pair.
 * @throws UserError when the content is of no known kind or damaged.
 */
export async function tokenizerFromBytes(bytes: Uint8Array, path: string, second?: string): Promise<Tokenizer> {
  const kind = kindOf(bytes, path);
  switch (kind) {
    case 'tokenizer.json':
      return parseTokenizer(utf8(bytes), path);
    case 'sentencepiece': {
      if (second !== undefined) {
        const { marianFromPair } = await import('./marian/file.js');
        const vocab = utf8(await readBytes(second));
        return attempt(path, `usable tokenizer of Marian (with ${second})`, () => marianFromPair(bytes, vocab));
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
      const dict = utf8(await readBytes(second));
      return attempt(second, 'usable dict.txt', () => {
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
      const other = await readBytes(second);
      const [vocab, merges] = kind === 'vocab' ? [bytes, other] : [other, bytes];
      return attempt(path, `usable byte-level BPE (with ${second})`, () =>
        byteLevelBpeFromPair(utf8(vocab), utf8(merges)),
      );
    }
    default:
      throw new UserError(`${path} is no tokenizer of a known kind`, { hint: KINDS, location: { file: path } });
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
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

const unreadable = (path: string, cause: unknown) =>
  new UserError(`cannot read the tokenizer ${path}: ${(cause as Error).message}`, { hint: KINDS, cause });
