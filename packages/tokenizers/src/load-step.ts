/** The step `tokenizer/load`: takes a tokenizer.json as it is. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineComponent, hashFile, notInKey, pathOption, type Step, UserError, writeFileAtomic } from '@t2r/core';
import { z } from 'zod';
import { loadTokenizer, TOKENIZER_FILE } from './load.js';

const schema = z.strictObject({
  path: notInKey(pathOption('The tokenizer.json, in the format of Hugging Face tokenizers.')),
});

function createLoadStep({ path }: z.output<typeof schema>): Step {
  return {
    produces: 'tokenizer',
    async check() {
      try {
        await loadTokenizer(path);
        return [];
      } catch (error) {
        if (error instanceof UserError) return [{ path: ['path'], message: error.message, hint: error.hint }];
        throw error;
      }
    },
    fingerprint: () => hashFile(path),
    plan() {
      return { produces: { vocab: vocabSize(readFileSync(path, 'utf8')) } };
    },
    async run({ folder }) {
      const { algorithm, vocabSize: vocab } = await loadTokenizer(path);
      await writeFileAtomic(join(folder, TOKENIZER_FILE), await readFile(path));
      return { metrics: { vocab }, data: { algorithm, vocab } };
    },
  };
}

/** Size of the vocabulary of a file that `check` has accepted; planning is synchronous, so it reads the ids alone. */
function vocabSize(text: string): number {
  const { model, added_tokens: added = [] } = JSON.parse(text) as {
    model: { vocab: Record<string, number> | unknown[] };
    added_tokens?: { id: number }[];
  };
  const ids = Array.isArray(model.vocab) ? model.vocab.keys() : Object.values(model.vocab);
  let largest = -1;
  for (const id of ids) largest = Math.max(largest, id);
  for (const { id } of added) largest = Math.max(largest, id);
  return largest + 1;
}

export const loadStep = defineComponent({
  kind: 'step',
  name: 'tokenizer/load',
  description: 'Takes an existing tokenizer.json.',
  schema,
  create: createLoadStep,
});
