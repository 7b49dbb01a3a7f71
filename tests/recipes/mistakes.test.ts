/** A recipe with ten mistakes gives ten messages, each at its line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeMicroRecipe } from './micro.js';
import { runCli, temporaryFolder } from './run-cli.js';

/** Each mistake is followed by what its message must say. */
const MISTAKES = `name: ten mistakes              #! plain word
seed: -1                        #! at least 0
model: { use: decoder-lm, layers: 2, dim: 32, heads: 2, ffn: 64, positions: sinusoidal, attention: { use: softmax } }
steps:
  corpus: { use: dataset/text, train: nowhere.txt }            #! nowhere.txt
  tokenizer: { use: tokenizer/trian, from: corpus }            #! did you mean "tokenizer/train"
  words: { use: tokenizer/train, from: corpus, algorithm: bpe, vocab: 300 }
  tokens: { use: dataset/tokens, from: corpus, tokenizer: words }
  init: { use: model/init, model: "\${modle}", tokenizer: words }       #! did you mean "model"
  pretrain:
    use: train/lm
    from: init
    data: corpus                                               #! of kind corpus, not tokens
    steps: many                                                #! whole number
    bacth: 8                                                   #! did you mean "batch"
    batch: 8
    block: 32
    optimizer: { use: adamw, weightDecay: -1 }                 #! at least 0
    schedule: { use: cosin, peak: 1.0e-3 }                     #! did you mean "cosine"
`;

it('reports ten mistakes in one go, with file, line and column', async () => {
  const file = join(temporaryFolder(), 'recipe.yaml');
  writeFileSync(file, MISTAKES);
  const { code, out, err } = await runCli(['validate', file]);
  const expected = MISTAKES.split('\n').flatMap((line, index) => {
    const [, message] = line.split('#! ');
    return message === undefined ? [] : [{ line: index + 1, message }];
  });
  const lines = out.trim().split('\n');
  expect(lines.map((line) => Number(/:(\d+):\d+: /.exec(line)?.[1]))).toEqual(expected.map(({ line }) => line));
  for (const [index, { message }] of expected.entries()) {
    expect(lines[index]).toContain(`${file}:`);
    expect(lines[index]).toContain(message);
  }
  expect(expected).toHaveLength(10);
  expect(err).toBe('10 problems\n');
  expect(code).toBe(2);
});

it.each([
  ['steps.pretrain.block=64', "block 64 is longer than the model's 32 learned positions"],
  ['steps.pretrain.evaluate.split=vaild', 'the tokens have no split "vaild"; their splits: train, valid, test'],
  ['steps.swap.layers=[1]', 'there is no layer 1 to swap: the model has 1 layers'],
  ['steps.perplexity.window=64', 'window 64 is longer than the 32 learned positions of pretrain'],
  ['steps.perplexity.splits=[test, final]', 'the tokens have no split "final"; their splits: train, valid, test'],
])('finds out before anything runs that steps do not fit together: %s', async (set, message) => {
  const file = writeMicroRecipe(temporaryFolder(), (text) =>
    text.replace('positions: sinusoidal', 'positions: learned, maxPositions: 32'),
  );
  expect(await runCli(['validate', file])).toMatchObject({ code: 0 });
  const { code, out } = await runCli(['validate', file, '--set', set]);
  expect(code).toBe(2);
  expect(out).toMatch(/micro\.yaml:\d+:\d+: /);
  expect(out).toContain(message);
});
