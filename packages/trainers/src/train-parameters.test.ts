import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import models, { initialWeights, languageModel } from '@t2r/models';
import { loadCheckpoint, openTensors } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { languageModelObjective } from './objective.js';
import { trainedParameters } from './parameter-patterns.js';
import { createTestRun, tinyModel, tinyTraining } from './test-context.js';
import { lossAndGradients } from './training-graph.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-train-parameters-'));
});
afterEach(() => rm(root, { recursive: true }));

const t2rModel = { ...tinyModel, dropout: 0.1, attention: { use: 't2r-mlp', features: 4 } };
const FEATURE_MAP = /^layers\.\d\.attention\.phi\.(weight|bias)$/;

async function startRun(engine: string) {
  const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
  await run.run('init', { use: 'model/init', model: t2rModel, tokenizer: { step: 'tokenizer' } });
  const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
  return { run, weights };
}

test.each(['cpu', 'onnx'])('on engine %s: only what is trained changes, and resuming is exact', async (engine) => {
  const { run, weights } = await startRun(engine);
  const spec = {
    ...tinyTraining,
    steps: 6,
    accumulate: 2,
    train: ['layers.*.attention.phi.*'],
  };
  await run.run('whole', spec);
  const init = await weights('init');
  const whole = await weights('whole');
  for (const [name, { data }] of Object.entries(init)) {
    if (FEATURE_MAP.test(name)) expect(whole[name]!.data, name).not.toEqual(data);
    else expect(whole[name]!.data, name).toEqual(data);
  }

  await run.kill('parts', { ...spec, save: { every: 2 } }, 4);
  // Neither slots nor resume checkpoints hold anything of a frozen parameter.
  const file = await openTensors(join(run.folder('parts'), 'resume', 'step-2', 'variables.safetensors'));
  const names = [...file.entries.keys()];
  await file.close();
  expect(names).toHaveLength(3 * 4);
  expect(names.every((name) => FEATURE_MAP.test(name.replace(/^adam\.[mv]\//, '')))).toBe(true);
  await run.run('parts', { ...spec, save: { every: 2 } });
  expect(await weights('parts')).toEqual(whole);
});

test('freeze is train of all the others', async () => {
  const { run, weights } = await startRun('cpu');
  await run.run('frozen', { ...tinyTraining, steps: 3, freeze: ['embed.*', 'positions.*', 'layers.0.*'] });
  await run.run('trained', { ...tinyTraining, steps: 3, train: ['layers.1.*', 'final_norm.*'] });
  expect(await weights('frozen')).toEqual(await weights('trained'));
});

test.each(['adamw', 'nag'])('%s: a group has the rate of the schedule times its factor', async (use) => {
  const { run, weights } = await startRun('cpu');
  // One step from the same weights: the gradients are the same, so the change is proportional to the rate.
  const spec = {
    ...tinyTraining,
    steps: 1,
    optimizer: { use, weightDecay: 0 },
    schedule: { use: 'constant', peak: 1e-3 },
  };
  await run.run('base', spec);
  await run.run('grouped', { ...spec, groups: [{ match: 'layers.*.attention.phi.weight', rate: 10 }] });
  await run.run('tenfold', { ...spec, schedule: { use: 'constant', peak: 1e-2 } });
  const [base, grouped, tenfold] = await Promise.all(['base', 'grouped', 'tenfold'].map(weights));
  for (const name of Object.keys(base!)) {
    const expected = /^layers\.\d\.attention\.phi\.weight$/.test(name) ? tenfold! : base!;
    expect(grouped![name], name).toEqual(expected[name]);
  }
});

test('the backward pass does no work for frozen parameters', async () => {
  const model = languageModel(createRegistry([attention, models]).create('model', tinyModel).build(20));
  const engine = await openEngine('onnx', { threads: 1 });
  const variables = engine.variables(initialWeights(model, 1));
  const shape = [2, 8];
  /** Matrix products in the compiled graph of loss and gradients. */
  const products = async (train: string[]) => {
    const program = await engine.compile({
      name: 'gradients',
      inputs: { inputs: { shape, dtype: 'int32' }, targets: { shape, dtype: 'int32' } },
      variables,
      program: (inputs, values, dropout) => {
        const trained = trainedParameters(model.parameters(), { train });
        const { loss, gradients } = lossAndGradients(languageModelObjective(model), trained, inputs, values, dropout);
        return { outputs: { loss, ...Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient])) } };
      },
    });
    const path = join(root, 'gradients.onnx');
    await program.export(path);
    await program.dispose();
    const text = await readFile(path, 'latin1');
    // A node's op_type is field 4, a string: the byte 0x22, the length, the name.
    const count = (op: string) => text.split(`\x22${String.fromCharCode(op.length)}${op}`).length - 1;
    return count('MatMul') + count('Gemm');
  };
  const all = await products(['*']);
  const last = await products(['layers.1.*']);
  const norm = await products(['final_norm.*']);
  await engine.dispose();
  // Forward: q, k and v, scores, mixing, output and two of the feed-forward block in each of two layers, and the logits.
  const forward = 2 * 6 + 1;
  // The gradient by the hidden states is all that the final norm's own needs.
  expect(norm).toBe(forward + 1);
  expect(last).toBeLessThan((all + norm) / 2);
});
