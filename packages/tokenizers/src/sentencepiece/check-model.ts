/**
 * Whether a model makes sense. SentencePiece's own code checks some of this and ignores the answer, and follows the rest
 * blindly; nothing reaches it that has not passed here.
 */
import { openCharsmap } from './charsmap.js';
import type { SentencePieceModel } from './model-file.js';

/** Ids stay below this, as in every tokenizer of this package. */
const MAX_PIECES = 2 ** 21;

const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

/** @throws RangeError that says what is wrong with the model. */
export function checkModel({ pieces, trainer, normalizer }: SentencePieceModel): void {
  if (pieces.length === 0) throw new RangeError('it has no pieces');
  if (pieces.length > MAX_PIECES) throw new RangeError(`it has ${pieces.length} pieces, more than ${MAX_PIECES}`);
  const texts = new Set<string>();
  let unknown = 0;
  let bytes = 0;
  for (const [id, { text, score, type }] of pieces.entries()) {
    if (text === '') throw new RangeError(`piece ${id} is empty`);
    if (text.includes('\0')) throw new RangeError(`piece ${id} holds a zero character`);
    if (!Number.isFinite(score)) throw new RangeError(`the score of piece ${id} is ${score}`);
    if (texts.has(text)) throw new RangeError(`piece ${id} is there twice: ${JSON.stringify(text)}`);
    texts.add(text);
    if (type === 'unknown') unknown++;
    if (type === 'byte') {
      bytes++;
      if (!trainer.byteFallback)
        throw new RangeError(`piece ${id} is a byte, but the model does not fall back to bytes`);
      if (!BYTE_PIECE.test(text)) throw new RangeError(`piece ${id} is no byte: ${JSON.stringify(text)}`);
    }
  }
  if (unknown !== 1) throw new RangeError(`it has ${unknown} unknown pieces instead of one`);
  if (trainer.byteFallback && bytes !== 256) throw new RangeError(`it has pieces for ${bytes} bytes instead of 256`);
  if (normalizer.charsmap.length > 0) openCharsmap(normalizer.charsmap);
}
