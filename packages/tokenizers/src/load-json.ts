/** Makes a tokenizer from the text of a tokenizer.json. */
import { ByteLevelBpe } from './byte-level-bpe.js';
import { subwordFile, subwordNmtFromFile } from './subword-nmt/file.js';
import { bpeFile, tokensById, wordFile } from './tokenizer-json.js';
import type { Tokenizer } from './types.js';
import { wordLevelFromFile } from './word-level.js';

/**
 * Byte-level BPE as GPT-2's, word-level files, and subword-nmt's and Marian's of this package get their own tokenizers; every other
 * file goes through `@huggingface/tokenizers`.
 * @throws Error when the text is not JSON or no tokenizer.
 */
export async function parseTokenizerJson(text: string): Promise<Tokenizer> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RangeError(`not valid JSON, perhaps cut off (${(error as Error).message})`, { cause: error });
  }
  const model = (json as { model?: { type?: unknown; vocab?: unknown } } | null)?.model;
  if (typeof model !== 'object' || model === null || model.vocab === undefined)
    throw new RangeError('it has no model.vocab');
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
  if (model.type === 'SubwordNmt') {
    const subword = subwordFile.safeParse(json);
    if (!subword.success)
      throw new RangeError(subword.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    return subwordNmtFromFile(subword.data);
  }
  if (model.type === 'Marian') {
    const { marianFile, marianFromFile } = await import('./marian/file.js');
    const marian = marianFile.safeParse(json);
    if (!marian.success)
      throw new RangeError(marian.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
    return marianFromFile(marian.data);
  }
  const { huggingFaceFromJson } = await import('./huggingface.js');
  return huggingFaceFromJson(json as object, text);
}
