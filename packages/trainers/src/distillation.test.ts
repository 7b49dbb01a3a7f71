import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import models, { initialWeights, languageModel } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { teacherVariables } from './distillation.js';
import { languageModelObjective } from './objective.js';
import { trainedParameters } from './parameter-patterns.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';
import { lossAndGradients } from './training-graph.js';

const registry = createRegistry([attention, models]);

/** Rows of a flat matrix, in float64. */
const rows = (data: ArrayLike<number>, width: number) =>
  Array.from({ length: data.length / width }, (_, i) => Array.from({ length: width }, (_, j) => data[i * width + j]!));

function softmax(logits: number[], temperature: number): number[] {
  const exps = logits.map((logit) => Math.exp(logit / temperature));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((e) => e / sum);
}

test.each([
  { name: 'cpu' as const, weight: 0.3, temperature: 2 },
  { name: 'cpu' as const, weight: 1, temperature: 1 },
  { name: 'onnx' as const, weight: 0.3, temperature: 2 },
])('$name, weight $weight, temperature $temperature: loss and gradient of the formula', async (options) => {
  const { name, weight, temperature } = options;
  const build = (use: string) =>
    languageModel(
      registry.create('model', { ...tinyModel, tieOutput: false, initStd: 0.3, attention: { use } }).build(VOCAB),
    );
  const model = build('elu');
  const teacher = build('softmax');
  const [batch, block] = [2, 4];
  const engine = await openEngine(name);
  const variables = engine.variables({
    ...initialWeights(model, 1),
    ...teacherVariables(initialWeights(teacher, 2)),
  });
  const shape = [batch, block];
  const program = await engine.compile({
    name: 'distill',
    inputs: { inputs: { shape, dtype: 'int32' }, targets: { shape, dtype: 'int32' } },
    variables,
    program: (inputs, values, dropout) => {
      const trained = trainedParameters(model.parameters(), { train: ['output.weight'] });
      const objective = languageModelObjective(model, { distillation: { teacher, weight, temperature } });
      const result = lossAndGradients(objective, trained, inputs, values, dropout);
      const hidden = model.hidden(inputs.inputs!, values);
      const ofTeacher = Object.fromEntries(teacher.parameters().map((p) => [p.name, values[`teacher/${p.name}`]!]));
      return {
        outputs: {
          loss: result.loss,
          gradient: result.gradients[0]!,
          hidden,
          student: model.logits(hidden, values),
          teacher: teacher.logits(teacher.hidden(inputs.inputs!, ofTeacher), ofTeacher),
        },
      };
    },
  });
  const targets = Int32Array.from({ length: batch * block }, (_, i) => (5 * i + 3) % VOCAB);
  const out = await program.run({ inputs: Int32Array.from(targets, (id) => (id * 7) % VOCAB), targets });
  await engine.dispose();

  const hidden = rows(out.hidden!, 16);
  const students = rows(out.student!, VOCAB);
  const teachers = rows(out.teacher!, VOCAB);
  const count = batch * block;
  const gradient = Array.from({ length: 16 }, () => new Array<number>(VOCAB).fill(0));
  let loss = 0;
  for (let i = 0; i < count; i++) {
    const plain = softmax(students[i]!, 1);
    const q = softmax(students[i]!, temperature);
    const p = softmax(teachers[i]!, temperature);
    loss -= ((1 - weight) * Math.log(plain[targets[i]!]!)) / count;
    for (let v = 0; v < VOCAB; v++) {
      loss += (weight * temperature ** 2 * p[v]! * Math.log(p[v]! / q[v]!)) / count;
      const ofTarget = (1 - weight) * (plain[v]! - Number(v === targets[i]));
      const ofTeacher = weight * temperature * (q[v]! - p[v]!);
      for (let d = 0; d < 16; d++) gradient[d]![v]! += ((ofTarget + ofTeacher) * hidden[i]![d]!) / count;
    }
  }
  expect(out.loss![0]! / loss).toBeCloseTo(1, 5);
  const error = Math.max(...gradient.flat().map((value, i) => Math.abs(value - out.gradient![i]!)));
  expect(error).toBeLessThan(1e-6);
  expect(Math.max(...gradient.flat().map(Math.abs))).toBeGreaterThan(0.05);
});

describe('the step', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 't2r-distill-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function startRun(engine: string) {
    const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
    const tokenizer = { step: 'tokenizer' };
    await run.run('init', { use: 'model/init', model: tinyModel, tokenizer });
    // The same weights, in a model that drops half of everything in training.
    await run.run('teacher', { use: 'model/init', model: { ...tinyModel, dropout: 0.5 }, tokenizer });
    return run;
  }

  test('a model learns nothing from a teacher with its own weights, whose dropout is off', async () => {
    const run = await startRun('cpu');
    const distill = { teacher: { step: 'teacher' }, weight: 1, temperature: 2 };
    const trained = await run.run('train', { ...tinyTraining, steps: 1, distill });
    expect(Math.abs(trained.metrics['train.loss']!)).toBeLessThan(1e-6);
    const { config } = await loadCheckpoint(run.folder('train'));
    expect(config.provenance).toMatchObject({ distill: { teacher: 'teacher', weight: 1, temperature: 2 } });
  });

  test.each(['cpu', 'onnx'])(
    'on engine %s: interrupted and resumed = uninterrupted, with dropout and accumulation',
    async (engine) => {
      const run = await startRun(engine);
      const distill = { teacher: { step: 'init' }, weight: 0.5, temperature: 2 };
      const from = { step: 'teacher' };
      const spec = { ...tinyTraining, from, steps: 5, accumulate: 2, distill, evaluate: { every: 5 } };
      await run.run('whole', spec);
      const parts = { ...spec, save: { every: 2 } };
      await run.kill('parts', parts, 4);
      await run.run('parts', parts);
      const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
      expect(await weights('parts')).toEqual(await weights('whole'));
      expect(Object.keys(await weights('whole'))).toEqual(Object.keys(await weights('init')));
      expect(await weights('whole')).not.toEqual(await weights('init'));
    },
  );

  test('a teacher that cannot read the blocks is refused', async () => {
    const run = await startRun('cpu');
    const model = { ...tinyModel, maxPositions: 4 };
    await run.run('short', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
    const spec = { ...tinyTraining, distill: { teacher: { step: 'short' } } };
    await expect(run.run('train', spec)).rejects.toThrow("block 8 is longer than the model's 4 learned positions");
  });
});
