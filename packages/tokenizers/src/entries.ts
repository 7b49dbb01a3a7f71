/**
 * CTranslate2's vocabulary.json: a JSON list of entries by id. It says nothing of how text becomes entries; of the models that
 * come with one, those of OpenNMT take what stands between white space.
 */
import { z } from 'zod';
import { END_OF_TEXT } from './end-of-text.js';
import type { WordLevelOptions } from './word-level.js';

const entries = z.array(z.string().min(1)).min(1);

/** Entries that mean an unknown word. */
const UNKNOWN = ['<unk>', '<UNK>'];

/** What a word-level tokenizer of such a list is like. @throws RangeError where it is damaged or has no unknown word */
export function parseEntries(text: string): WordLevelOptions {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new RangeError(`not valid JSON, perhaps cut off (${(error as Error).message})`, { cause: error });
  }
  const parsed = entries.safeParse(json);
  if (!parsed.success) throw new RangeError('it is no list of entries');
  const known = new Set(parsed.data);
  if (known.size < parsed.data.length) throw new RangeError('it has an entry twice');
  const unknown = UNKNOWN.find((entry) => known.has(entry));
  if (unknown === undefined) throw new RangeError(`it has no entry for unknown words (${UNKNOWN.join(', ')})`);
  return { tokens: parsed.data, unknown, endOfText: END_OF_TEXT.find((entry) => known.has(entry)) };
}
