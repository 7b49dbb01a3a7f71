/** The browser's runtime in Node, in the calling thread and behind a worker's port, against the generator of Node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, openEngine } from '@t2r/engine';
import { exportCheckpoint } from '@t2r/export';
import { checkpointGenerator, decodeSnapshot, encodeSnapshot, readPrompt } from '@t2r/generation';
import { type GenerateOptions, loadModel, type Model, type ModelState, serveModels } from '@t2r/web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderContents, nodeTokens, openGenerator } from './node-tokens.js';
import { registry, type TinyModel, tinyModel } from './tiny-models.js';

const PROMPT = 'the cat sat on the mat; a dog and a bird saw the log';
const SAMPLED = { maxTokens: 100, temperature: 0.9, topK: 30, topP: 0.95, seed: 7, stopTokens: [] };

let folder: string;
let engine: Engine;
const tiny = {} as Record<'rnn' | 'softmax', TinyModel>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-web-'));
  engine = await openEngine('onnx', { threads: 1 });
  tiny.rnn = await tinyModel(join(folder, 'rnn'), engine, { use: 't2r-mlp', features: 8 });
  tiny.softmax = await tinyModel(join(folder, 'softmax'), engine, { use: 'softmax' });
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

async function tokens(model: Model, prompt: string, options: GenerateOptions): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id } of model.generate(prompt, options)) ids.push(id);
  return ids;
}

const ports: MessagePort[] = [];
afterAll(() => {
  for (const port of ports) port.close();
});

/** A port to a thread that computes: this one. */
function startWorker(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1, port2);
  serveModels(port1);
  port1.start();
  port2.start();
  return port2;
}

describe.each(['this thread', 'a worker'])('in %s', (where) => {
  const load = async (name: 'rnn' | 'softmax') =>
    loadModel(await folderContents(tiny[name].exported), {
      threads: 1,
      ...(where === 'a worker' && { worker: startWorker() }),
    });

  test.each(['rnn', 'softmax'] as const)('%s: the tokens of Node, sampled and greedy', async (name) => {
    const model = await load(name);
    const generator = await openGenerator(tiny[name].checkpoint, engine);
    for (const options of [SAMPLED, { ...SAMPLED, temperature: 0, repetitionPenalty: 1.3 }]) {
      expect(await tokens(model, PROMPT, options)).toEqual(await nodeTokens(generator, PROMPT, options));
    }
    expect(await tokens(model, '', SAMPLED)).toEqual(await nodeTokens(generator, '', SAMPLED));
    await generator.dispose();
    await model.dispose();
  });

  test.each(['rnn', 'softmax'] as const)('%s: a state goes on here, in Node and back', async (name) => {
    const model = await load(name);
    const generator = await openGenerator(tiny[name].checkpoint, engine);
    const whole = await nodeTokens(generator, PROMPT, { ...SAMPLED, maxTokens: 60 });

    const state = model.newState();
    const first = await tokens(model, PROMPT, { ...SAMPLED, maxTokens: 20, state });
    expect([state.pending, state.bytes]).toEqual([first.slice(-1), model.stateBytes(state.position)]);
    const file = await state.save();
    const options = { modelHash: model.manifest.model_hash };
    const from = await decodeSnapshot(file, options);
    expect(from.text).toBe(PROMPT + (await model.decode(first)));
    const inNode: number[] = [];
    for await (const { id } of generator.generate([], { ...SAMPLED, maxTokens: 20, from })) inNode.push(id);
    expect([...first, ...inNode]).toEqual(whole.slice(0, 40));

    // What Node has read goes on here, whatever the state held before.
    const read = await readPrompt(generator, generator.tokenizer!.encode(PROMPT));
    await state.load(await encodeSnapshot({ ...read, text: PROMPT }, options));
    expect(state.loadedText).toBe(PROMPT);
    expect(await tokens(model, '', { ...SAMPLED, maxTokens: 20, state })).toEqual(whole.slice(0, 20));

    // A prompt can be read only, and the text go on with another one or with none.
    const reading = model.newState();
    expect(await tokens(model, PROMPT, { maxTokens: 0, state: reading })).toEqual([]);
    expect([reading.position, reading.pending]).toEqual([read.position, read.pending]);
    const also = await reading.fork();
    expect(await tokens(model, '', { ...SAMPLED, maxTokens: 60, state: reading })).toEqual(whole);
    expect(await tokens(model, ' and', { ...SAMPLED, maxTokens: 20, state: also })).toEqual(
      await nodeTokens(generator, `${PROMPT} and`, { ...SAMPLED, maxTokens: 20 }),
    );

    const fork = await state.fork();
    const rest = whole.slice(20, 60);
    expect(await tokens(model, '', { ...SAMPLED, maxTokens: 40, state })).toEqual(rest);
    expect(await tokens(model, '', { ...SAMPLED, maxTokens: 40, state: fork })).toEqual(rest);
    await state.reset();
    expect([state.position, state.ids]).toEqual([0, []]);
    expect(await tokens(model, PROMPT, { ...SAMPLED, maxTokens: 60, state })).toEqual(whole);
    await generator.dispose();
    await model.dispose();
  });

  test('who stops reading finds the state at the last token read', async () => {
    const model = await load('rnn');
    const whole = await tokens(model, PROMPT, SAMPLED);
    const state = model.newState();
    const read: number[] = [];
    for await (const { id } of model.generate(PROMPT, { ...SAMPLED, state })) {
      read.push(id);
      if (read.length === 37) break;
    }
    expect(state.pending).toEqual(read.slice(-1));
    expect(state.ids.slice(-37)).toEqual(read);
    expect([...read, ...(await tokens(model, '', { ...SAMPLED, maxTokens: 63, state }))]).toEqual(whole);

    // A signal stops too, and the way it ended is told.
    const abort = new AbortController();
    const generation = model.generate(PROMPT, { ...SAMPLED, maxTokens: 1e6, signal: abort.signal });
    for (let i = 0; i < 50; i++) await generation.next();
    abort.abort();
    let last = await generation.next();
    while (!last.done) last = await generation.next();
    expect(last.value.reason).toBe('stopped');
    await model.dispose();
  });

  test('text comes in pieces that join, probabilities where asked for, and the prompt in chunks', async () => {
    const model = await load('rnn');
    const generation = model.generate(PROMPT, { ...SAMPLED, logProbs: true, onPrompt: (...at) => read.push(at) });
    const read: [number, number][] = [];
    const ids: number[] = [];
    let text = '';
    for (;;) {
      const next = await generation.next();
      text += next.value.text;
      if (next.done) break;
      expect(next.value.logProb).toBeLessThan(0);
      ids.push(next.value.id);
    }
    expect(text).toBe(await model.decode(ids));
    const length = (await model.encode(PROMPT)).length;
    expect(read.at(-1)).toEqual([length, length]);
    expect(read[0]).toEqual([16, length]);
    await model.dispose();
  });

  test('a cache ends where it is full, and says so', async () => {
    const model = await load('softmax');
    const generation = model.generate(PROMPT, { ...SAMPLED, maxTokens: 1000 });
    let made = 0;
    let last = await generation.next();
    for (; !last.done; last = await generation.next()) made++;
    expect(last.value.reason).toBe('positions');
    expect(made).toBe(256 - (await model.encode(PROMPT)).length + 1);
    const long = PROMPT.repeat(20);
    await expect(tokens(model, long, SAMPLED)).rejects.toThrow(/too many for softmax: its cache has room for 256/);
    await model.dispose();
  });

  test('mistakes are told in words', async () => {
    const model = await load('rnn');
    const other = await load('softmax');
    const wrong = (options: GenerateOptions, prompt = PROMPT) => tokens(model, prompt, options);
    await expect(wrong({ temperature: -1 })).rejects.toMatchObject({ name: 'UserError', message: /temperature is -1/ });
    await expect(wrong({ topK: 0 })).rejects.toThrow(/topK is 0/);
    const state: ModelState = other.newState();
    await tokens(other, PROMPT, { maxTokens: 3, state });
    const file = await state.save();
    const mine = model.newState();
    await expect(mine.load(file)).rejects.toThrow(/the state is of another model/);
    file[200]! ^= 1;
    await expect(state.load(file)).rejects.toThrow(/damaged/);
    expect(state.position).toBeGreaterThan(0);
    // After what is wrong everything goes on.
    expect(await wrong({ ...SAMPLED, maxTokens: 5 })).toHaveLength(5);
    await model.dispose();
    await other.dispose();
  });

  test('folders that are not whole', async () => {
    const contents = await folderContents(tiny.rnn.exported);
    const open = (change: (files: Map<string, Uint8Array>) => void) => {
      const files = new Map(contents);
      change(files);
      return loadModel(files, where === 'a worker' ? { worker: startWorker() } : {});
    };
    await expect(open((files) => files.delete('config.json'))).rejects.toThrow(/there is no config\.json/);
    await expect(open((files) => files.delete('model_step.onnx'))).rejects.toThrow(/there is no model_step\.onnx/);
    await expect(open((files) => files.delete('model_weights.data'))).rejects.toThrow(
      /there is no model_weights\.data/,
    );
    await expect(
      open((files) => files.set('model_step.onnx', files.get('model_step.onnx')!.subarray(1))),
    ).rejects.toThrow(/model_step\.onnx of the files given is damaged .* bytes/);
    const flipped = contents.get('tokenizer.json')!.slice();
    flipped[10]! ^= 1;
    await expect(open((files) => files.set('tokenizer.json', flipped))).rejects.toThrow(/its SHA-256/);
    await expect(open((files) => files.set('config.json', new TextEncoder().encode('{')))).rejects.toThrow(/not JSON/);
    await expect(open((files) => files.set('config.json', new TextEncoder().encode('{}')))).rejects.toThrow(
      /its format is not told/,
    );
  });
});

test.each(['fp16', 'int8', 'int4'] as const)('weights stored as %s', async (dtype) => {
  const to = join(folder, dtype);
  await exportCheckpoint(tiny.rnn.checkpoint, {
    to,
    engine,
    context: registry,
    chunk: 16,
    capacity: 256,
    dtype,
    name: dtype,
  });
  const model = await loadModel(await folderContents(to), { threads: 1 });
  const generator = await checkpointGenerator(tiny.rnn.checkpoint, { engine, context: registry, chunk: 16, dtype });
  const options = { maxTokens: 20, temperature: 0, stopTokens: [] };
  const ids = await tokens(model, PROMPT, options);
  expect(ids).toHaveLength(20);
  // Products of rounded numbers differ in their last digits between the runtimes.
  expect(ids[0]).toBe((await nodeTokens(generator, PROMPT, options))[0]);
  await generator.dispose();
});
