/**
 * `wasm.ts` for browsers, where there is neither a `process` to guard nor a file system: the bundler must put
 * `@t2r/tokenizers/memory-files` in the place of `fs` (an alias), so that sentencepiece-js reads the model's bytes from there.
 */
import { holdFile } from './memory-files.js';
import type { SentencePieceRuntime } from './wasm.js';

export type { SentencePieceRuntime } from './wasm.js';

/**
 * Loads a model. Its bytes must have passed `checkModel`.
 * @throws Error when SentencePiece does not take it all the same.
 */
export async function startSentencePiece(model: Uint8Array): Promise<SentencePieceRuntime> {
  // It holds 764 kB of code and is needed by few models, so it is a file of its own.
  const { SentencePieceProcessor } = await import('sentencepiece-js');
  const processor = new SentencePieceProcessor();
  await processor.load(holdFile(model));
  return {
    encode: (text) => processor.encodeIds(text),
    pieces: (text) => processor.encodePieces(text),
    decode: (ids) => processor.decodeIds(ids),
  };
}
