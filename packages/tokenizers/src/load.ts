/** Recognises a tokenizer by its content and makes the one that stands for it exactly. */
import { readFile, stat } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { KNOWN_KINDS, tokenizerFromContents } from './from-contents.js';
import { kindOf } from './kinds.js';
import { fileBeside, filesOfFolder, marianVocabulary } from './load-folder.js';
import type { Tokenizer } from './types.js';

/** Names of a tokenizer's file in the folder of a tokenizer or a checkpoint, in the order in which they are looked for. */
export const TOKENIZER_FILE = 'tokenizer.json';
export const SENTENCEPIECE_FILE = 'tokenizer.model';

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
    if (files.length === 0) throw new UserError(`there is no tokenizer in the folder ${path}`, { hint: KNOWN_KINDS });
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

/** Opens a file and the one that belongs to it. */
async function openFiles(path: string, second: string | undefined): Promise<Tokenizer> {
  return tokenizerFromBytes(await readBytes(path), path, second);
}

/**
 * Makes a tokenizer from the content of a file; `path` is for messages, and tells a SentencePiece model that is too damaged
 * to be recognised by its ending. `second` is the file that belongs to it, where it is half of a pair.
 * @throws UserError when the content is of no known kind or damaged.
 */
export async function tokenizerFromBytes(bytes: Uint8Array, path: string, second?: string): Promise<Tokenizer> {
  const other = second === undefined ? undefined : { name: second, bytes: await readBytes(second) };
  return tokenizerFromContents({ name: path, bytes }, other);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, cause: unknown) =>
  new UserError(`cannot read the tokenizer ${path}: ${(cause as Error).message}`, { hint: KNOWN_KINDS, cause });
