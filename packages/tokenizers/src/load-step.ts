/** The step `tokenizer/load`: takes an existing tokenizer as it is. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  defineComponent,
  hashFile,
  hashJson,
  notInKey,
  pathOption,
  type Step,
  UserError,
  writeFileAtomic,
} from '@t2r/core';
import { z } from 'zod';
import { loadTokenizer, TOKENIZER_FILE, tokenizerFiles } from './load.js';

const schema = z.strictObject({
  path: notInKey(
    pathOption(
      "A tokenizer.json, SentencePiece's .model, GPT-2's vocab.bpe or encoder.json, subword-nmt's codes, a fairseq dict.txt, " +
        'or a folder with one of them.',
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
      const tokenizer = await loadTokenizer(path);
      const [file] = await tokenizerFiles(path);
      const { algorithm, vocabSize, file: name = TOKENIZER_FILE } = tokenizer;
      // A tokenizer.json may say more than a tokenizer knows of (post-processors, for one): it stays as it is.
      if (file!.endsWith('.json') && name === TOKENIZER_FILE && (await tokenizerFiles(path)).length === 1) {
        await writeFileAtomic(join(folder, name), await readFile(file!));
      } else await tokenizer.save(join(folder, name));
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
