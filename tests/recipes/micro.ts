/** The whole way at a size of seconds: what end-to-end tests run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MICRO = `name: micro
seed: 1
model: { use: decoder-lm, layers: 1, dim: 16, heads: 2, ffn: 32, positions: sinusoidal, attention: { use: softmax } }
vars:
  training: { use: train/lm, data: tokens, batch: 2, block: 16, optimizer: { use: adamw }, schedule: { use: constant, peak: 1.0e-2 } }
steps:
  corpus: { use: dataset/synthetic, train: 20000, valid: 1000, test: 1000 }
  tokenizer: { use: tokenizer/train, from: corpus, algorithm: bpe, vocab: 300 }
  tokens: { use: dataset/tokens, from: corpus, tokenizer: tokenizer }
  init: { use: model/init, model: "\${model}", tokenizer: tokenizer }
  pretrain: { extends: "\${vars.training}", from: init, steps: 30, evaluate: { every: 10 } }
  swap: { use: convert/swap, from: pretrain, attention: { use: t2r-mlp, features: 4 }, layers: all }
  finetune: { extends: "\${vars.training}", from: swap, steps: 10 }
  perplexity:
    use: evaluate/perplexity
    of: [pretrain, swap, finetune]
    data: tokens
    window: 16
    batch: 2
    expect: { finetune.test: { at_most: 300 } }
  generation: { use: evaluate/generation, of: [pretrain, finetune], positions: [8, 40], tokens: 4, rounds: 2, warmup: 1, sample: { tokens: 5 } }
  report: { use: report/html, baseline: pretrain }
`;

/** Writes the recipe into a folder and gives its path. */
export function writeMicroRecipe(folder: string, change: (text: string) => string = (text) => text): string {
  const file = join(folder, 'micro.yaml');
  writeFileSync(file, change(MICRO));
  return file;
}
