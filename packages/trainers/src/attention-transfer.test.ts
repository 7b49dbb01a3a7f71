import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import { openEngine, type TensorMap } from '@t2r/engine';
import models, { initialWeights, languageModel } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imitation } from './imitation.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';
import { type TransferTerms, transferObjective } from './transfer-objective.js';

const registry = createRegistry([attention, models]);
const [batch, time, heads, headDim] = [2, 6, 2, 8];

/** Rows of [batch, heads, time, headDim] by their indices, as float64 arrays. */
const rowOf = (data: ArrayLike<number>, b: number, h: number, t: number) =>
  Array.from({ length: headDim }, (_, i) => data[((b * heads + h) * time + t) * headDim + i]!);
const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Weights of one query over the keys up to it, by the definition of softmax. */
function softmaxWeights(q: number[], keys: number[][]): number[] {
  const exps = keys.map((k) => Math.exp(dot(q, k) / Math.sqrt(headDim)));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((e) => e / sum);
}

/** The same for T2R: relu(W q / sqrt(d) + b) . relu(W k + b), over at least 0.01. */
function t2rWeights(q: number[], keys: number[][], w: number[][], b: number[]): number[] {
  const phi = (x: number[]) => w.map((row, i) => Math.max(0, dot(row, x) + b[i]!));
  const query = phi(q.map((value) => value / Math.sqrt(headDim)));
  const similarities = keys.map((k) => dot(query, phi(k)));
  const sum = Math.max(
    1e-2,
    similarities.reduce((a, c) => a + c),
  );
  return similarities.map((s) => s / sum);
}

describe.each([
  { outputs: 1, weights: 0 },
  { outputs: 0, weights: 1 },
  { outputs: 0.5, weights: 2 },
] satisfies TransferTerms[])('outputs $outputs, weights $weights', (terms) => {
  test('the loss is that of the definitions, worked out position by position', async () => {
    const features = 4;
    const model = (spec: ComponentSpec) =>
      languageModel(registry.create('model', { ...tinyModel, initStd: 0.3, attention: spec }).build(VOCAB));
    const student = model({ use: 't2r-mlp', features });
    const { teacher, layers } = imitation(
      student,
      { use: 'softmax' },
      {
        create: (kind, spec) => registry.create(kind, spec),
      },
    );
    const weights = initialWeights(student, 3);
    const engine = await openEngine('cpu');
    const program = await engine.compile({
      name: 'transfer',
      inputs: { inputs: { shape: [batch, time], dtype: 'int32' } },
      variables: engine.variables(weights),
      program: (inputs, values) => {
        const seen: TensorMap = {};
        teacher.hidden(inputs.inputs!, values, {
          observe: (layer, { q, k, v }) =>
            Object.assign(seen, { [`q${layer}`]: q, [`k${layer}`]: k, [`v${layer}`]: v }),
        });
        const random = { mask: () => expect.fail('no dropout'), dropout: () => expect.fail('no dropout') };
        const loss = transferObjective(student, teacher, layers, terms).loss(
          { inputs: inputs.inputs! },
          values,
          random as never,
        )(values);
        return { outputs: { loss, ...seen } };
      },
    });
    const out = await program.run({ inputs: Int32Array.from({ length: batch * time }, (_, i) => (7 * i + 3) % VOCAB) });
    await engine.dispose();

    let expected = 0;
    for (const layer of layers) {
      const w = weights[`layers.${layer}.attention.phi.weight`]!.data;
      const b = weights[`layers.${layer}.attention.phi.bias`]!.data;
      let [error, square, entropy] = [0, 0, 0];
      for (let n = 0; n < batch; n++)
        for (let h = 0; h < heads; h++) {
          const rows = Array.from({ length: features }, (_, i) =>
            Array.from({ length: headDim }, (_, j) => w[(h * features + i) * headDim + j]!),
          );
          const bias = Array.from({ length: features }, (_, i) => b[h * features + i]!);
          for (let t = 0; t < time; t++) {
            const past = Array.from({ length: t + 1 }, (_, s) => s);
            const keys = past.map((s) => rowOf(out[`k${layer}`]!, n, h, s));
            const values = past.map((s) => rowOf(out[`v${layer}`]!, n, h, s));
            const q = rowOf(out[`q${layer}`]!, n, h, t);
            const old = softmaxWeights(q, keys);
            const next = t2rWeights(q, keys, rows, bias);
            entropy -= past.reduce((sum, s) => sum + old[s]! * Math.log(next[s]! + 1e-9), 0);
            for (let i = 0; i < headDim; i++) {
              const wanted = past.reduce((sum, s) => sum + old[s]! * values[s]![i]!, 0);
              const found = past.reduce((sum, s) => sum + next[s]! * values[s]![i]!, 0);
              error += (found - wanted) ** 2;
              square += wanted ** 2;
            }
          }
        }
      expected += terms.outputs * (error / square) + terms.weights * (entropy / (batch * heads * time));
    }
    expected /= layers.length;
    expect(out.loss![0]! / expected).toBeCloseTo(1, 4);
  });
});

describe('the step', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 't2r-transfer-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const transfer = {
    ...tinyTraining,
    use: 'train/attention-transfer',
    from: { step: 'swap' },
    optimizer: { use: 'adam' },
    schedule: { use: 'constant', peak: 1e-2 },
    clip: 0,
  };

  async function startRun(engine: string, spec: ComponentSpec, layers: number[] | 'all' = 'all') {
    const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
    const model = { ...tinyModel, dropout: 0.1, attentionDropout: 0.1, initStd: 0.3 };
    await run.run('init', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
    await run.run('swap', { use: 'convert/swap', from: { step: 'init' }, attention: spec, layers });
    const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
    return { run, weights };
  }

  test.each<[string, ComponentSpec, RegExp]>([
    ['cpu', { use: 't2r-mlp', features: 4 }, /\.phi\./],
    ['onnx', { use: 'hedgehog', scale: 'both', gate: 'recency' }, /\.(phi|gate)\./],
    ['onnx', { use: 'random-feature', features: 4 }, /\.sigma$/],
    [
      'onnx',
      { use: 'window-linear', window: 2, linear: { use: 't2r-mlp', features: 4 } },
      /\.(phi\.\w+|window\.factor)$/,
    ],
  ])('on engine %s, %j: only what the attention adds is trained, and it comes nearer', async (engine, spec, own) => {
    const { run, weights } = await startRun(engine, spec);
    const first = await run.run('first', { ...transfer, steps: 1 });
    const last = await run.run('last', { ...transfer, steps: 60 });
    expect(last.metrics['train.loss']).toBeLessThan(first.metrics['train.loss']!);
    const [before, after] = [await weights('swap'), await weights('last')];
    for (const [name, { data }] of Object.entries(before)) {
      if (own.test(name)) expect(after[name]!.data, name).not.toEqual(data);
      else expect(after[name]!.data, name).toEqual(data);
    }
  });

  test.each(['cpu', 'onnx'])('on engine %s: interrupted and resumed = uninterrupted', async (engine) => {
    const { run, weights } = await startRun(engine, { use: 'hedgehog' });
    const spec = { ...transfer, steps: 6, weights: 1, accumulate: 2, evaluate: { every: 3 } };
    await run.run('whole', spec);
    await run.kill('parts', { ...spec, save: { every: 2 } }, 4);
    await run.run('parts', { ...spec, save: { every: 2 } });
    expect(await weights('parts')).toEqual(await weights('whole'));
    const { config } = await loadCheckpoint(run.folder('whole'));
    expect(config.provenance).toMatchObject({ step: 'train/attention-transfer', from: 'swap', outputs: 1, weights: 1 });
  });

  test('layers that kept their attention are left out', async () => {
    const { run, weights } = await startRun('cpu', { use: 't2r-mlp', features: 4 }, [1]);
    await run.run('trained', { ...transfer, steps: 2 });
    const changed = Object.entries(await weights('trained')).filter(([name]) => name.includes('.phi.'));
    expect(changed.map(([name]) => name.split('.')[1])).toEqual(['1', '1']);
  });

  test('what cannot learn, or has nothing to learn from, is refused', async () => {
    const { run } = await startRun('cpu', { use: 'elu' });
    await expect(run.run('trained', transfer)).rejects.toThrow('the new attention has no parameters that could learn');
    await expect(run.run('same', { ...transfer, from: { step: 'init' } })).rejects.toThrow(
      'teacher: every layer has softmax attention already',
    );
  });
});
