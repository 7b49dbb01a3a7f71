/**
 * GPT-2's pair of files: the vocabulary as a JSON object (`encoder.json`, or `vocab.json`) and the merges as text
 * (`vocab.bpe`, or `merges.txt`), in the alphabet of byte-level BPE.
 */
import { ByteLevelBpe } from './byte-level-bpe.js';
import { specialToken, tokensById, vocabulary } from './tokenizer-json.js';

/** Names of the two files, as OpenAI and as Hugging Face give them. */
export const GPT2_PAIRS = [
  { vocab: 'vocab.json', merges: 'merges.txt' },
  { vocab: 'encoder.json', merges: 'vocab.bpe' },
] as const;

/** Entries that stand for no text of their own, in the spelling of GPT-2, its successors and RoBERTa. */
const SPECIAL = /^(<\|.+\|>|<s>|<\/s>|<pad>|<unk>|<mask>)$/u;

/**
 * Makes the tokenizer of a pair of files.
 * @throws RangeError when the two do not belong together or one is damaged.
 */
export function byteLevelBpeFromPair(vocabText: string, mergesText: string): ByteLevelBpe {
  let json: unknown;
  try {
    json = JSON.parse(vocabText);
  } catch (error) {
    throw new RangeError(`the vocabulary is not valid JSON (${(error as Error).message})`);
  }
  const vocab = vocabulary.safeParse(json);
  if (!vocab.success || Array.isArray(json)) throw new RangeError('the vocabulary is no mapping from entries to ids');
  const tokens = tokensById(vocab.data);
  const merges = mergesText.split('\n').flatMap((line, i): [string, string][] => {
    const text = line.replace(/\r$/, '');
    if (text === '' || (i === 0 && text.startsWith('#version'))) return [];
    const symbols = text.split(' ');
    if (symbols.length !== 2 || symbols.includes('')) throw new RangeError(`line ${i + 1} of the merges is not a pair`);
    return [symbols as [string, string]];
  });
  const joined = new Set(merges.map(([left, right]) => left + right));
  const addedTokens = tokens.flatMap((token, id) =>
    token !== undefined && SPECIAL.test(token) && !joined.has(token) ? [specialToken(id, token)] : [],
  );
  return new ByteLevelBpe({ tokens, merges, addedTokens });
}
