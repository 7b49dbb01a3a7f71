/** Putting a tokenizer into the folder of a step or a checkpoint, under the name it is found by there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@t2r/core';
import { kindOf } from './kinds.js';
import { loadTokenizer, TOKENIZER_FILE, tokenizerFiles } from './load.js';
import type { Tokenizer } from './types.js';

/** A tokenizer that lies in a folder. */
export interface KeptTokenizer {
  tokenizer: Tokenizer;
  /** The file it was written to: tokenizer.json, or tokenizer.model (SentencePiece). */
  path: string;
}

/**
 * Loads the tokenizer at a path and writes it into `folder`.
 * @param prefix stands before the name of its file
 * @throws UserError as `loadTokenizer`
 */
export async function keepTokenizer(from: string, folder: string, prefix = ''): Promise<KeptTokenizer> {
  const [tokenizer, files] = [await loadTokenizer(from), await tokenizerFiles(from)];
  const path = join(folder, prefix + (tokenizer.file ?? TOKENIZER_FILE));
  const bytes = await readFile(files[0]!);
  // A tokenizer.json may say more than a tokenizer knows of (post-processors, for one): it stays as it is.
  if (files.length === 1 && kindOf(bytes, files[0]) === 'tokenizer.json') await writeFileAtomic(path, bytes);
  else await tokenizer.save(path);
  return { tokenizer, path };
}
