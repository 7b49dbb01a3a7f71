/** Reading tokenizer files to their end, and small ones to begin with. */
import { readFile } from 'node:fs/promises';
import { tokenizerFromBytes, trainSentencePieceModel } from '@t2r/tokenizers';

const PROBES = ['The cat sat on the mat.', '  naïve 猫\n\t😀\ud800 <s> Ａ ', 'x'.repeat(300)];

/** Loads a tokenizer, encodes and decodes. */
export async function readTokenizer(path: string): Promise<void> {
  const tokenizer = await tokenizerFromBytes(await readFile(path), path);
  for (const text of PROBES) {
    const ids = tokenizer.encode(text);
    tokenizer.decode(ids);
    tokenizer.cutPoint(text);
  }
  tokenizer.decode([0, 1, 5, 1e9, -1, tokenizer.vocabSize]);
}

/** SentencePiece models without normalisation rules, which load faster. */
export async function smallModels(textPath: string): Promise<Buffer[]> {
  const text = await readFile(textPath, 'utf8');
  const kinds = (['unigram', 'bpe'] as const).flatMap((model) =>
    [false, true].map((byteFallback) => ({ model, vocab: 420, normalization: 'identity', byteFallback }) as const),
  );
  return Promise.all(kinds.map(async (options) => Buffer.from(await trainSentencePieceModel([text], options))));
}
