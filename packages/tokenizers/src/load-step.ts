/** The step `tokenizer/load`: takes an existing tokenizer as it is. */
import { defineComponent, hashFile, hashJson, notInKey, pathOption, type Step, UserError } from '@t2r/core';
import { z } from 'zod';
import { keepTokenizer } from './keep.js';
import { loadTokenizer, tokenizerFiles } from './load.js';

const schema = z.strictObject({
  path: notInKey(
    pathOption(
      "A tokenizer.json, SentencePiece's .model, GPT-2's vocab.bpe or encoder.json, subword-nmt's codes, Marian's source.spm or target.spm, a fairseq dict.txt, " +
        "CTranslate2's vocabulary.json, or a folder with one of them.",
    ),
  ),
});

function createLoadStep({ path }: z.output<typeof schema>): Step {
  /** What checking has found; planning is synchronous and comes later. */
  let vocab: number | undefined;
  return {
    produces: 'tokenizer',
    async check() {
      try {
        vocab = (await loadTokenizer(path)).vocabSize;
        return [];
      } catch (error) {
        if (error instanceof UserError) return [{ path: ['path'], message: error.message, hint: error.hint }];
        throw error;
      }
    },
    async fingerprint() {
      const hashes = await Promise.all((await tokenizerFiles(path)).map(hashFile));
      return hashes.length === 1 ? hashes[0]! : hashJson(hashes);
    },
    plan: () => ({ produces: { vocab } }),
    async run({ folder }) {
      const { algorithm, vocabSize } = (await keepTokenizer(path, folder)).tokenizer;
      return { metrics: { vocab: vocabSize }, data: { algorithm, vocab: vocabSize } };
    },
  };
}

export const loadStep = defineComponent({
  kind: 'step',
  name: 'tokenizer/load',
  description: 'Takes an existing tokenizer, of Hugging Face, SentencePiece, GPT-2, subword-nmt or fairseq.',
  schema,
  create: createLoadStep,
});
