import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComponentSpec } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { checkpointGenerator, checkpointTranslator } from '@t2r/generation';
import type { LmConfig } from '@t2r/models';
import ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { languageConfig, registry, translationConfig, VOCAB, writeCheckpoint } from './__fixtures__/checkpoints.js';
import { exportCheckpoint } from './export-checkpoint.js';
import type { LanguageManifest, TranslationManifest } from './manifest.js';

const t2r: ComponentSpec = { use: 't2r-mlp', features: 4 };
const softmax: ComponentSpec = { use: 'softmax' };

let folder: string;
let engine: Engine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-export-'));
  engine = await openEngine('onnx');
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

type Tensors = Record<string, ort.Tensor>;
const int32 = (values: number[], shape: number[]) => new ort.Tensor('int32', Int32Array.from(values), shape);
const argmax = (values: Float32Array) => values.indexOf(Math.max(...values));

/** An exported folder as a program would use it that has its config.json and ONNX Runtime, and nothing else. */
async function plain<Manifest extends LanguageManifest | TranslationManifest>(path: string) {
  const config = JSON.parse(await readFile(join(path, 'config.json'), 'utf8')) as Manifest;
  const sessions = new Map<string, ort.InferenceSession>();
  const open = async (file: string) => {
    const session = sessions.get(file) ?? (await ort.InferenceSession.create(join(path, file)));
    sessions.set(file, session);
    return session;
  };
  const state: Tensors = {};
  for (const { name, shape } of config.state) {
    const size = shape.reduce((a, b) => a * b, 1);
    state[`state.${name}`] = new ort.Tensor('float32', new Float32Array(size), shape);
  }
  const run = async (file: string, inputs: Tensors) => {
    const session = await open(file);
    const made = await session.run({ ...inputs, ...state });
    for (const { name } of config.state) state[`state.${name}`] = made[`next.${name}`]!;
    return { logits: made.logits!, names: { inputs: session.inputNames, outputs: session.outputNames } };
  };
  return { config, state, run };
}

const KINDS: [string, ComponentSpec[], Partial<LmConfig>][] = [
  ['t2r', [t2r, t2r], {}],
  ['softmax', [softmax, softmax], {}],
  ['hybrid', [t2r, softmax], { positions: 'learned' }],
  ['rotary', [t2r, softmax], { positions: 'rotary', norm: 'pre', normKind: 'rms' }],
  ['gated window', [{ use: 'window-linear', window: 4 }, t2r], { positions: 'none' }],
];

describe.each(KINDS)('language model: %s', (name, attention, rest) => {
  it('generates in plain ONNX Runtime what the generator does, and says so', { timeout: 60_000 }, async () => {
    const from = await writeCheckpoint(join(folder, name), languageConfig(attention, rest));
    const to = join(folder, `${name}-exported`);
    const { parity, manifest } = await exportCheckpoint(from, {
      to,
      engine,
      context: registry,
      chunk: 8,
      capacity: 48,
    });
    expect(parity).toMatchObject({ passed: true, agreement: 1, greedy: { first_difference: null } });
    expect(parity.perplexity.exported).toBeCloseTo(parity.perplexity.parallel, 3);

    const generator = await checkpointGenerator(from, { engine, context: registry });
    const prompt = [5, 100, 7, 33, 200, 41, 8, 90, 17, 3];
    const expected: number[] = [];
    for await (const { id } of generator.generate(prompt, { temperature: 0, maxTokens: 30, stopTokens: [] }))
      expected.push(id);
    await generator.dispose();

    const { run, config } = await plain<LanguageManifest>(to);
    const { chunk } = config.prefill;
    expect(config).toEqual(manifest);
    let logits = new Float32Array();
    for (let at = 0; at < prompt.length; at += chunk) {
      const part = prompt.slice(at, at + chunk);
      const ids = int32([...part, ...new Array<number>(chunk - part.length).fill(0)], [1, chunk]);
      const made = await run('model_prefill.onnx', {
        ids,
        position: int32([at], [1]),
        count: int32([part.length], [1]),
      });
      logits = made.logits.data as Float32Array<ArrayBuffer>;
    }
    const ids = [...prompt];
    for (let n = 0; n < 30; n++) {
      ids.push(argmax(logits));
      const made = await run('model_step.onnx', {
        ids: int32([ids.at(-1)!], [1]),
        position: int32([ids.length - 1], [1]),
      });
      const states = config.state.map((state) => state.name);
      expect(new Set(made.names.inputs)).toEqual(
        new Set(['ids', 'position', ...states.map((state) => `state.${state}`)]),
      );
      expect(new Set(made.names.outputs)).toEqual(new Set(['logits', ...states.map((state) => `next.${state}`)]));
      expect(made.logits.dims).toEqual([1, VOCAB]);
      logits = made.logits.data as Float32Array<ArrayBuffer>;
    }
    expect(ids.slice(prompt.length)).toEqual(expected);
  });
});

it.each([
  ['t2r', t2r, t2r],
  ['softmax', softmax, softmax],
  ['hybrid', t2r, softmax],
])('translation model: %s, two sources of different length', { timeout: 60_000 }, async (name, self, cross) => {
  const from = await writeCheckpoint(join(folder, `mt-${name}`), translationConfig([self, self], [cross, cross]));
  const to = join(folder, `mt-${name}-exported`);
  const { parity } = await exportCheckpoint(from, {
    to,
    engine,
    context: registry,
    batch: 2,
    source: 16,
    capacity: 32,
  });
  expect(parity).toMatchObject({ passed: true, max_prefill_difference: null, greedy: { first_difference: null } });

  const sources = [
    [40, 41, 42, 43, 44, 0],
    [200, 33, 0],
  ];
  const translator = await checkpointTranslator(from, { engine, context: registry });
  const found = await translator.search(
    sources.map((source) => Int32Array.from(source)),
    { beam: 1, maxTokens: 20, atLimit: 'cut' },
  );
  await translator.dispose();

  const { run, state, config } = await plain<TranslationManifest>(to);
  const width = config.encode.source;
  const encode = await ort.InferenceSession.create(join(to, config.encode.file));
  const ids = sources.flatMap((source) => [...source, ...new Array<number>(width - source.length).fill(1)]);
  const lengths = int32(
    sources.map(({ length }) => length),
    [2],
  );
  Object.assign(state, await encode.run({ ids: int32(ids, [2, width]), lengths }));
  const made: number[][] = [[], []];
  let last = [config.tokens.start, config.tokens.start];
  for (let t = 0; t < 20; t++) {
    const { logits } = await run('model_step.onnx', { ids: int32(last, [2]), position: int32([t, t], [2]) });
    last = [0, 1].map((row) => {
      const values = (logits.data as Float32Array).slice(row * VOCAB, (row + 1) * VOCAB);
      values[config.tokens.padding] = Number.NEGATIVE_INFINITY;
      return argmax(values);
    });
    last.forEach((id, row) => void made[row]!.push(id));
  }
  const cut = (row: number[]) => (row.includes(0) ? row.slice(0, row.indexOf(0)) : row);
  expect(made.map(cut)).toEqual(found.map(([best]) => Array.from(best!.ids)));
});

it.each([
  ['t2r', [t2r, t2r], {}],
  ['hybrid', [softmax, t2r], { positions: 'learned' }],
  ['rotary', [softmax, t2r], { positions: 'rotary' }],
] as [string, ComponentSpec[], Partial<LmConfig>][])(
  'sequences of a batch at positions of their own: %s',
  { timeout: 60_000 },
  async (name, attention, rest) => {
    const from = await writeCheckpoint(join(folder, `rows-${name}`), languageConfig(attention, rest));
    const to = join(folder, `rows-${name}-exported`);
    await exportCheckpoint(from, { to, engine, context: registry, batch: 2, chunk: 8, capacity: 24, compared: 100 });
    const { run, state } = await plain<LanguageManifest>(to);
    const step = async (ids: number[], at: number[]) => {
      const { logits } = await run('model_step.onnx', { ids: int32(ids, [2]), position: int32(at, [2]) });
      const values = logits.data as Float32Array;
      return [values.slice(0, VOCAB), values.slice(VOCAB)];
    };
    const text = [9, 80, 33, 7, 120, 44];
    const begun = { ...state };
    const alone: Float32Array[] = [];
    for (const [t, id] of text.entries()) alone.push((await step([id, id], [t, t]))[0]!);
    for (const key of Object.keys(begun)) Object.assign(state, { [key]: begun[key] });
    for (const [t, id] of text.slice(0, 3).entries()) await step([id, 1], [t, t]);
    // The second sequence begins anew while the first goes on.
    for (const tensor of Object.values(state)) {
      const values = tensor.data as Float32Array;
      values.fill(0, values.length / 2);
    }
    for (let t = 0; t < 3; t++) {
      const [first, second] = await step([text[t + 3]!, text[t]!], [t + 3, t]);
      for (const [row, expected] of [
        [first!, alone[t + 3]!],
        [second!, alone[t]!],
      ] as const)
        expect(Math.max(...row.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-4);
    }
  },
);
