import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openEngine } from '@t2r/engine';
import { type ByteLevelBpe, trainByteLevelBpe } from '@t2r/tokenizers';
import { saveCheckpoint } from '@t2r/zoo';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registry, tinyModel, tinyWeights } from './__fixtures__/tiny-model.js';
import { checkpointGenerator } from './checkpoint.js';
import type { TextGenerator } from './generator.js';
import type { GenerateTextOptions } from './text.js';

const END = '<|endoftext|>';

let folder: string;
let engine: Engine;
let tokenizer: ByteLevelBpe;
let generator: TextGenerator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-generate-'));
  engine = await openEngine('cpu');
  tokenizer = await trainByteLevelBpe(['größer, größte Größe; grüne Grüße'], { vocab: 270, specialTokens: [END] });
  const tokenizerPath = join(folder, 'trained.json');
  await tokenizer.save(tokenizerPath);
  const model = tinyModel({ vocab: tokenizer.vocabSize, attention: { use: 't2r-mlp', features: 4 } });
  await saveCheckpoint(folder, {
    config: { format: 't2r-checkpoint', version: 1, model: model.config },
    weights: tinyWeights(model),
    tokenizerPath,
  });
  generator = await checkpointGenerator(folder, { engine, context: registry });
});
afterAll(() => rm(folder, { recursive: true }));

async function write(prompt: string, options: GenerateTextOptions) {
  const pieces: string[] = [];
  const stream = generator.generateText(prompt, options);
  let step = await stream.next();
  for (; !step.done; step = await stream.next()) pieces.push(step.value);
  return { pieces, text: pieces.join(''), reason: step.value };
}

// Random weights make random bytes: much of the text is invalid UTF-8, the hardest case for streaming.
const settings = { temperature: 2, seed: 11, maxTokens: 40, stopTokens: [] };

test('pieces of text join to the decoded ids', async () => {
  const ids: number[] = [];
  for await (const { id } of generator.generate(tokenizer.encode('größ'), settings)) ids.push(id);
  const reported: number[] = [];
  const { pieces, text, reason } = await write('größ', { ...settings, onToken: ({ id }) => void reported.push(id) });
  expect(text).toBe(tokenizer.decode(ids));
  expect(reported).toEqual(ids);
  expect(pieces.length).toBeGreaterThan(1);
  expect(reason).toBe('max-tokens');
});

test('a stop string ends the text before it', async () => {
  const { text } = await write('größ', settings);
  const stop = text.slice(10, 13);
  expect(await write('größ', { ...settings, stopStrings: [stop] })).toMatchObject({
    text: text.slice(0, text.indexOf(stop)),
    reason: 'stop-string',
  });
});

test('an empty prompt begins with the end-of-text token, which also ends the text', async () => {
  const first = [];
  for await (const { id, position } of generator.generate([], settings)) first.push({ id, position });
  expect(first[0]!.position).toBe(1);
  const same = [];
  for await (const { id } of generator.generate([tokenizer.tokenToId(END)!], settings)) same.push(id);
  expect(first.map(({ id }) => id)).toEqual(same);

  const stopped = generator.generate([1], { ...settings, stopTokens: undefined, maxTokens: 2000 });
  let last = await stopped.next();
  while (!last.done) last = await stopped.next();
  expect(last.value).toBe('stop-token');
});
