import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createGenerator, type GeneratorOptions } from '../generator.js';
import { readStateFile, writeStateFile } from './files.js';
import { decodeSnapshot, encodeSnapshot } from './format.js';
import { readPrompt } from './read-prompt.js';

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
  folder = await mkdtemp(join(tmpdir(), 't2r-state-'));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const t2r = tinyModel({ attention: { use: 't2r-mlp', features: 4 } });
const softmax = tinyModel({ attention: { use: 'softmax' } });
const open = (model = t2r, options: Partial<GeneratorOptions> = {}) =>
  createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: 8, ...options });
const document = (length: number) => {
  const random = createRandom('document', length);
  return Array.from({ length }, () => random.integer(11));
};

async function tokens(generator: ReturnType<typeof open>, prompt: number[], options = {}): Promise<number[]> {
  const found: number[] = [];
  for await (const { id } of generator.generate(prompt, { maxTokens: 12, seed: 4, ...options })) found.push(id);
  return found;
}

describe.each([
  ['t2r', t2r],
  ['softmax', softmax],
])('%s', (name, model) => {
  test('a file goes on in another generator with the same tokens, with and without a further prompt', async () => {
    const [one, other] = [open(model), open(model, { capacity: 2 })];
    const text = document(21);
    const path = join(folder, `${name}.state`);
    const snapshot = await readPrompt(one, text);
    expect(snapshot.position).toBe(20);
    await writeStateFile(path, { ...snapshot, text: 'a document' }, one);
    const from = await readStateFile(path, other);
    expect(from).toEqual({ ...snapshot, text: 'a document' });
    expect(await tokens(other, [], { from })).toEqual(await tokens(one, text));
    const question = [3, 1, 4];
    expect(await tokens(other, question, { from })).toEqual(await tokens(one, [...text, ...question]));
    // What was read from a state is itself a state.
    const further = await readPrompt(other, question, from);
    expect(await tokens(one, [], { from: further })).toEqual(await tokens(one, [...text, ...question]));
  });

  test('one snapshot in every row of a batch', async () => {
    const one = open(model);
    const snapshot = await readPrompt(one, document(10));
    const three = open(model, { batch: 3, capacity: 2 });
    await three.restore(snapshot);
    const logits = await three.next([1, 2, 1]);
    const row = (i: number) => logits.subarray(i * 11, (i + 1) * 11);
    expect(row(0)).toEqual(row(2));
    expect(row(0)).not.toEqual(row(1));
    await expect(one.restore(three.save())).rejects.toThrow(/has 3 sequences, and the generator 1/);
  });
});

test('the bytes are those that the format says', async () => {
  const state = { a: { shape: [1, 2], data: new Float32Array([1, -2]) } };
  const bytes = await encodeSnapshot({ position: 3, state, pending: [7] }, { modelHash: 'ab' });
  const buffer = Buffer.from(bytes);
  expect(buffer.toString('latin1', 0, 8)).toBe('T2RSTATE');
  expect([buffer.readUInt32LE(8), Number(buffer.readBigUInt64LE(16))]).toEqual([2, bytes.length]);
  const length = buffer.readUInt32LE(12);
  expect(JSON.parse(buffer.toString('utf8', 24, 24 + length))).toEqual({
    model_hash: 'ab',
    dtype: 'fp32',
    position: 3,
    pending: [7],
    tensors: [{ name: 'a', shape: [1, 2], offset: 0 }],
  });
  const start = Math.ceil((24 + length) / 8) * 8;
  expect([buffer.readFloatLE(start), buffer.readFloatLE(start + 4)]).toEqual([1, -2]);
  const end = bytes.length - 32;
  expect(buffer.subarray(end)).toEqual(createHash('sha256').update(buffer.subarray(0, end)).digest());
});

test('a file of the version before, which kept z apart from S, is refused', async () => {
  const generator = open();
  const bytes = await encodeSnapshot(await readPrompt(generator, [1, 2, 3]), generator);
  bytes[8] = 1;
  await expect(decodeSnapshot(bytes, generator)).rejects.toMatchObject({
    name: 'UserError',
    message: expect.stringContaining('has version 1 of the format; this release reads version 2'),
    hint: expect.stringContaining('read the text again'),
  });
});

test('every flipped bit and every truncation is refused', async () => {
  const generator = open();
  const snapshot = await readPrompt(generator, [1, 2, 3]);
  const bytes = await encodeSnapshot(snapshot, generator);
  const random = createRandom('flips');
  for (let i = 0; i < 200; i++) {
    const flipped = bytes.slice();
    flipped[i < 64 ? i : random.integer(bytes.length)]! ^= 1 << random.integer(8);
    await expect(decodeSnapshot(flipped, generator)).rejects.toMatchObject({ name: 'UserError' });
  }
  const flipped = bytes.slice();
  flipped[bytes.length - 100]! ^= 1;
  await expect(decodeSnapshot(flipped, generator)).rejects.toThrow(/damaged: its SHA-256 does not fit/);
  for (const length of [0, 7, 8, 30, 100, bytes.length - 1]) {
    await expect(decodeSnapshot(bytes.subarray(0, length), generator)).rejects.toThrow(/truncated|not a state file/);
  }
});

test('states of other models and dtypes, and files of something else, say what they are', async () => {
  const [one, other] = [open(), open(tinyModel({ attention: { use: 't2r-mlp', features: 4 }, activation: 'gelu' }))];
  expect(one.modelHash).toMatch(/^[0-9a-f]{64}$/);
  expect(open().modelHash).toBe(one.modelHash);
  const snapshot = await readPrompt(one, [1, 2, 3]);
  const bytes = await encodeSnapshot(snapshot, { modelHash: one.modelHash, dtype: 'int8' });
  await expect(decodeSnapshot(bytes, other)).rejects.toThrow(/the state is of another model/);
  await expect(decodeSnapshot(bytes, { modelHash: one.modelHash, dtype: 'fp32' })).rejects.toThrow(
    /computed with int8 weights, and the model is opened with fp32/,
  );
  await expect(open(softmax).restore(snapshot)).rejects.toThrow(/no tensor layers\.0\.k/);
  const path = join(folder, 'text.state');
  await writeFile(path, 'once upon a time');
  await expect(readStateFile(path, one)).rejects.toThrow(/text\.state: this is not a state file/);
  await expect(readStateFile(join(folder, 'none.state'), one)).rejects.toThrow(/cannot read the state .*none\.state/);
  expect((await readFile(path)).length).toBe(16);
  await expect(readPrompt(one, [])).rejects.toThrow(/nothing to read/);
});

test('the portable module needs neither Node nor an engine', async () => {
  const seen = new Set<string>();
  const visit = async (file: URL) => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    const source = await readFile(file, 'utf8');
    for (const [, typed, name] of source.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)';/gms)) {
      if (typed) continue;
      expect(name).toMatch(/^(\.|@t2r\/core\/(errors|random)$)/);
      if (name!.startsWith('.')) await visit(new URL(name!.replace(/\.js$/, '.ts'), file));
    }
  };
  await visit(new URL('../portable.ts', import.meta.url));
  expect(seen.size).toBeGreaterThan(5);
});
