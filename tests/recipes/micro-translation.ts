/** Translation the whole way at a size of seconds: what end-to-end tests run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '@t2r/core';

const WORDS = {
  'a man': 'ein mann',
  'a dog': 'ein hund',
  'the girl': 'das kind',
  sees: 'sieht',
  takes: 'nimmt',
  'a red ball': 'einen roten ball',
  'the old house': 'das alte haus',
  today: 'heute',
  'in the park': 'im park',
} as const;
type Phrase = keyof typeof WORDS;

const SUBJECTS: Phrase[] = ['a man', 'a dog', 'the girl'];
const VERBS: Phrase[] = ['sees', 'takes'];
const OBJECTS: Phrase[] = ['a red ball', 'the old house', 'a dog'];
const ENDS: Phrase[] = ['today', 'in the park'];

/** Sentences of a small grammar and their translations, drawn from a seed. */
export function toySentences(count: number, label: string): { en: string[]; de: string[] } {
  const random = createRandom('toy sentences', label);
  const draw = (choices: Phrase[]) => choices[random.integer(choices.length)]!;
  const sentences = Array.from({ length: count }, () => {
    const phrases = [draw(SUBJECTS), draw(VERBS), draw(OBJECTS)];
    return random.uniform() < 0.5 ? phrases : [...phrases, draw(ENDS)];
  });
  return {
    en: sentences.map((phrases) => `${phrases.join(' ')}.`),
    de: sentences.map((phrases) => `${phrases.map((phrase) => WORDS[phrase]).join(' ')}.`),
  };
}

const RECIPE = `name: micro-translation
seed: 1
vars:
  training: { use: train/translation, data: pairs, tokens: 128, shapes: 3, optimizer: { use: adam, betas: [0.9, 0.98] }, schedule: { use: constant, peak: 1.0e-2 } }
steps:
  text:
    use: dataset/bitext
    root: .
    source: en
    target: de
    train: { source: train.en, target: train.de }
    valid: { source: valid.en, target: valid.de }
    test: { source: test.en, target: test.de }
  tokenizer: { use: tokenizer/train, from: text, algorithm: bpe, vocab: 300, specialTokens: ['<|endoftext|>', '<pad>'] }
  pairs: { use: dataset/pairs, from: text, tokenizer: tokenizer }
  init:
    use: model/init
    model:
      use: encoder-decoder
      dim: 16
      encoder: { layers: 1, heads: 2, ffn: 32 }
      decoder: { layers: 1, heads: 2, ffn: 32 }
      dropout: 0.1
      attention: { use: softmax }
      cross: { use: softmax }
    tokenizer: tokenizer
  pretrain: { extends: "\${vars.training}", from: init, steps: 60, accumulate: 2, evaluate: { every: 20, bleu: { beam: 2, sentences: 8, maxTokens: 40 } }, average: { best: 2 } }
  swap: { use: convert/swap, from: pretrain, attention: { use: t2r-mlp, features: 4 }, cross: { use: t2r-mlp, features: 8 } }
  finetune: { extends: "\${vars.training}", from: swap, epochs: 1, evaluate: { every: 10 }, keep: best, patience: 2 }
  scores:
    use: evaluate/translation
    of: [pretrain, finetune]
    data: pairs
    text: text
    beam: 2
    maxTokens: 40
    ter: true
    bootstrap: 20
    expect: { finetune.test.bleu: { at_least: 0 } }
  tokenized: { use: evaluate/tokenized-bleu, from: scores, text: text, tokenize: de }
  distilled: { use: translate/corpus, from: finetune, data: pairs, text: text, splits: [valid], beam: 1, maxTokens: 40 }
  report: { use: report/html }
`;

/** Writes the recipe and its text into a folder and gives its path. */
export function writeMicroTranslation(folder: string, change: (text: string) => string = (text) => text): string {
  for (const [split, count] of Object.entries({ train: 400, valid: 24, test: 24 })) {
    const { en, de } = toySentences(count, split);
    writeFileSync(join(folder, `${split}.en`), `${en.join('\n')}\n`);
    writeFileSync(join(folder, `${split}.de`), `${de.join('\n')}\n`);
  }
  const file = join(folder, 'micro-translation.yaml');
  writeFileSync(file, change(RECIPE));
  return file;
}
