/** Reads a tokenizer.json and picks the tokenizer that stands for it exactly. */
import { readFile } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { ByteLevelBpe } from './byte-level-bpe.js';
import { bpeFile, tokensById, wordFile } from './tokenizer-json.js';
import type { Tokenizer } from './types.js';
import { wordLevelFromFile } from './word-level.js';

/** Name of the file in the folder of a tokenizer or a checkpoint. */
export const TOKENIZER_FILE = 'tokenizer.json';

/**
 * Loads a tokenizer.json. Byte-level BPE as GPT-2's and word-level files of this package get their own fast tokenizers;
 * every other file goes through `@huggingface/tokenizers`.
 * @throws UserError when the file is missing, not JSON, or no tokenizer.
 */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read the tokenizer ${path}: ${(error as Error).message}`, {
      hint: `give the path of a ${TOKENIZER_FILE}`,
      cause: error,
    });
  }
  return parseTokenizer(text, path);
}

/** Makes a tokenizer from the text of a tokenizer.json; `path` is for messages. */
export async function parseTokenizer(text: string, path: string): Promise<Tokenizer> {
  const broken = (what: string, cause?: unknown) =>
    new UserError(`${path} is no usable tokenizer.json: ${what}`, {
      hint: 'expected a file written by Hugging Face tokenizers or by tokenizer/train; copy or download it again',
      location: { file: path },
      cause,
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw broken(`not valid JSON, perhaps cut off (${(error as Error).message})`, error);
  }
  const model = (json as { model?: { type?: unknown; vocab?: unknown; merges?: unknown } } | null)?.model;
  if (typeof model !== 'object' || model === null || model.vocab === undefined) {
    throw broken('it has no model.vocab');
  }
  try {
    const bpe = bpeFile.safeParse(json);
    if (bpe.success) {
      const { model: parsed, added_tokens: addedTokens } = bpe.data;
      return new ByteLevelBpe({
        tokens: tokensById(parsed.vocab),
        merges: parsed.merges,
        addedTokens,
        ignoreMerges: parsed.ignore_merges,
      });
    }
    const word = wordFile.safeParse(json);
    if (word.success) return wordLevelFromFile(word.data);
    const [{ Tokenizer: Library }, { HuggingFaceTokenizer }] = await Promise.all([
      import('@huggingface/tokenizers'),
      import('./huggingface.js'),
    ]);
    const type = typeof model.type === 'string' ? model.type : model.merges === undefined ? 'WordLevel' : 'BPE';
    return new HuggingFaceTokenizer(new Library(json as object, {}), type.toLowerCase(), text);
  } catch (error) {
    throw broken((error as Error).message, error);
  }
}
