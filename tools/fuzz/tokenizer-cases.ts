/** Cases of the fuzz run of tokenizer files: what is damaged, and what may come of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UserError } from '@t2r/core';
import { tokenizerFromBytes, trainSentencePieceModel } from '@t2r/tokenizers';
import { caseRandom, mutateBytes, mutateJson } from './mutate.js';
import { mutateModel } from './mutate-model.js';

const PROBES = ['The cat sat on the mat.', '  naïve 猫\n\t😀\ud800 <s> Ａ ', 'x'.repeat(300)];

/** A file to damage. */
export interface Base {
  name: string;
  bytes: Uint8Array;
}

/** The package's own fixtures, and small models without rules, which load faster. */
export async function tokenizerBases(): Promise<Base[]> {
  const root = join(dirname(createRequire(import.meta.url).resolve('@t2r/tokenizers/package.json')), 'fixtures');
  const files = ['', 'huggingface', 'sentencepiece'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /\.(tokenizer\.json|model)$/.test(name))
      .map((name) => join(folder, name)),
  );
  const text = readFileSync(join(root, 'make-huggingface.py'), 'utf8');
  const small = await Promise.all(
    (['unigram', 'bpe'] as const).flatMap((model) =>
      [false, true].map(async (byteFallback): Promise<Base> => {
        const options = { model, vocab: 420, normalization: 'identity', byteFallback } as const;
        return { name: `small-${model}-${byteFallback}.model`, bytes: await trainSentencePieceModel([text], options) };
      }),
    ),
  );
  return [...files.map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(root, name))) })), ...small];
}

export interface Outcome {
  /** Whether a tokenizer came of it. */
  loaded: boolean;
  /** What was wrong: an error of another type than UserError. */
  fault?: string;
  ms: number;
}

/** Loads one damaged file. Says what was wrong with the outcome, if anything. */
export async function runTokenizerCase(seed: number, index: number, all: readonly Base[]): Promise<Outcome> {
  const random = caseRandom('tokenizers', seed, index);
  const { name, bytes } = all[random.integer(all.length)]!;
  const isJson = name.endsWith('.json');
  const inside = random.integer(3) > 0;
  const alike = () => all.filter((base) => base.name.endsWith('.json') === isJson).map((base) => base.bytes);
  let damaged: Uint8Array;
  if (!inside) damaged = mutateBytes(bytes, random, alike());
  else if (isJson) damaged = Buffer.from(mutateJson(Buffer.from(bytes).toString(), random));
  else damaged = mutateModel(bytes, random);
  const started = performance.now();
  let loaded = false;
  let fault: string | undefined;
  try {
    const tokenizer = await tokenizerFromBytes(damaged, name);
    for (const text of PROBES) {
      const ids = tokenizer.encode(text);
      tokenizer.decode(ids);
      tokenizer.cutPoint(text);
    }
    tokenizer.decode([0, 1, 5, 1e9, -1, tokenizer.vocabSize]);
    loaded = true;
  } catch (error) {
    if (!(error instanceof UserError)) fault = `${name}: ${(error as Error)?.stack ?? error}`;
  }
  return { loaded, fault, ms: performance.now() - started };
}
