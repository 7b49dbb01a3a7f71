/** The tokenizer.json of a `MarianTokenizer`. Hugging Face's format has no such model, so this one is the package's own. */
import { z } from 'zod';
import { fromBase64 } from '../base64.js';
import { SentencePiece } from '../sentencepiece/sentencepiece.js';
import { vocabulary } from '../tokenizer-json.js';
import { MarianTokenizer } from './tokenizer.js';

export const marianFile = z.object({
  version: z.string().optional(),
  model: z.object({
    type: z.literal('Marian'),
    /** The SentencePiece model. */
    spm: z.base64(),
    vocab: vocabulary,
  }),
});
export type MarianFile = z.infer<typeof marianFile>;

/** The tokenizer a parsed file describes. @throws RangeError when the model is damaged or the vocabulary incomplete */
export async function marianFromFile({ model }: MarianFile): Promise<MarianTokenizer> {
  return new MarianTokenizer(await SentencePiece.open(fromBase64(model.spm)), model.vocab);
}

/** The tokenizer of a SentencePiece model and the text of its vocab.json. @throws RangeError as `marianFromFile` */
export async function marianFromPair(spm: Uint8Array, vocab: string): Promise<MarianTokenizer> {
  const ids = vocabulary.safeParse(JSON.parse(vocab));
  if (!ids.success) throw new RangeError('vocab.json is no mapping from pieces to ids');
  return new MarianTokenizer(await SentencePiece.open(spm), ids.data);
}
