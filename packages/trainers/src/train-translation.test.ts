import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type ComponentSpec, createRandom, createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { buildTranslationModel, initialWeights, type TranslationConfig } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createAdam } from './adam.js';
import type { TrainingBatch } from './batches.js';
import { keptWeights } from './kept-weights.js';
import { trainedParameters } from './parameter-patterns.js';
import { createTestRun, type TestRun } from './test-context.js';
import { initialState } from './trainer-state.js';
import { slotVariables } from './training-graph.js';
import { createTrainingProgram } from './training-program.js';
import { translationObjective } from './translation-objective.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-translation-'));
});
afterEach(() => rm(root, { recursive: true }));

/** Words, and the same words backwards as their translation. */
function reversed(count: number, label: string): { en: string; xx: string } {
  const random = createRandom('reversed', label);
  const words = ['ab', 'cd', 'ef', 'gh', 'ij'];
  const lines = Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.integer(6) }, () => words[random.integer(words.length)]!),
  );
  const text = (all: string[][]) => `${all.map((line) => line.join(' ')).join('\n')}\n`;
  return { en: text(lines), xx: text(lines.map((line) => line.toReversed())) };
}

const model: ComponentSpec = {
  use: 'encoder-decoder',
  dim: 16,
  encoder: { layers: 1, heads: 2, ffn: 16 },
  decoder: { layers: 1, heads: 2, ffn: 16 },
  dropout: 0.1,
  attention: { use: 't2r-mlp', features: 4 },
  cross: { use: 'softmax' },
};

const training: ComponentSpec = {
  use: 'train/translation',
  from: { step: 'init' },
  data: { step: 'pairs' },
  steps: 8,
  tokens: 64,
  shapes: 2,
  accumulate: 2,
  optimizer: { use: 'adam', betas: [0.9, 0.98] },
  schedule: { use: 'constant', peak: 1e-2 },
};

async function startRun(engine: 'onnx' | 'cpu' = 'onnx'): Promise<TestRun> {
  const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
  for (const [split, count] of Object.entries({ train: 60, valid: 8 })) {
    const { en, xx } = reversed(count, split);
    await writeFile(join(root, `${split}.en`), en);
    await writeFile(join(root, `${split}.xx`), xx);
  }
  const files = (split: string) => ({ source: `${split}.en`, target: `${split}.xx` });
  const languages = { source: 'en', target: 'xx' };
  await run.run('text', { use: 'dataset/bitext', root, ...languages, train: files('train'), valid: files('valid') });
  const specialTokens = ['</s>', '<pad>'];
  await run.run('tokenizer', {
    use: 'tokenizer/train',
    from: { step: 'text' },
    algorithm: 'bpe',
    vocab: 270,
    specialTokens,
  });
  await run.run('pairs', { use: 'dataset/pairs', from: { step: 'text' }, tokenizer: { step: 'tokenizer' } });
  await run.run('init', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
  return run;
}

const read = (run: TestRun, id: string) => loadCheckpoint(run.folder(id), { use: 'encoder-decoder' });

/** Trains, stopping by signal after `steps` steps. */
async function interrupted(run: TestRun, id: string, spec: ComponentSpec, steps: number): Promise<void> {
  const controller = new AbortController();
  let seen = 0;
  const onProgress = () => {
    seen += 1;
    if (seen === steps) controller.abort(new Error('SIGINT'));
  };
  await expect(run.run(id, spec, { signal: controller.signal, onProgress })).rejects.toThrow('SIGINT');
}

test('the loss goes down, and the checkpoint tells its special tokens', async () => {
  const run = await startRun();
  const trained = await run.run('train', { ...training, steps: 60, evaluate: { every: 30 } });
  expect(run.points['train.loss']![0]![1]).toBeGreaterThan(4);
  expect(trained.metrics['train.loss']).toBeLessThan(4);
  expect(run.points['valid.perplexity']!.map(([step]) => step)).toEqual([30, 60]);
  const { config } = await read(run, 'train');
  expect(config.model.tokens).toEqual({ start: 0, end: 0, padding: 1 });
});

test('interrupted twice and resumed = uninterrupted, bit for bit: dropout, shapes, accumulation, BLEU, mean of weights', async () => {
  const run = await startRun();
  const evaluate = { every: 3, bleu: { beam: 2, sentences: 4, maxTokens: 12 } };
  const spec = { ...training, evaluate, average: { last: 2 }, save: { every: 2 } };
  const whole = await run.run('whole', spec);
  await interrupted(run, 'parts', spec, 3);
  await run.kill('parts', spec, 4);
  const parts = await run.run('parts', spec);
  expect((await read(run, 'parts')).weights).toEqual((await read(run, 'whole')).weights);
  expect(parts.data).toEqual(whole.data);
  for (const name of ['train.loss', 'valid.perplexity', 'valid.bleu', 'best.step'])
    expect(parts.metrics[name]).toBe(whole.metrics[name]);
  expect(await readdir(run.folder('parts'))).not.toContain('resume');
});

test('epochs are passes over the batches, and patience ends a run that gets no better', async () => {
  const run = await startRun();
  const { steps: _, ...rest } = training;
  const epoch = await run.run('epoch', { ...rest, epochs: 2 });
  const twice = await run.run('twice', { ...rest, epochs: 4 });
  expect(twice.metrics.steps).toBe(2 * epoch.metrics.steps!);
  const hopeless = { ...training, steps: 50, schedule: { use: 'constant', peak: 1e-30 }, evaluate: { every: 2 } };
  const ended = await run.run('ended', { ...hopeless, patience: 3 });
  expect(ended.metrics.steps).toBe(2 + 3 * 2);
});

test('data of another vocabulary is refused', async () => {
  const run = await startRun();
  await run.run('other', {
    use: 'tokenizer/train',
    from: { step: 'text' },
    algorithm: 'bpe',
    vocab: 262,
    specialTokens: ['</s>'],
  });
  await run.run('odd', { use: 'dataset/pairs', from: { step: 'text' }, tokenizer: { step: 'other' } });
  await expect(run.run('train', { ...training, data: { step: 'odd' } })).rejects.toThrow(
    /the model has 268 source and 268 target tokens/,
  );
});

describe('the loss of an optimizer step', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('onnx', { threads: 1 });
  });
  afterAll(() => engine.dispose());

  const config: TranslationConfig = {
    use: 'encoder-decoder',
    vocab: 11,
    dim: 8,
    encoder: { layers: 1, heads: 2, ffn: 8 },
    decoder: { layers: 1, heads: 2, ffn: 8 },
    activation: 'relu',
    norm: 'pre',
    positions: 'sinusoidal',
    maxPositions: 16,
    shareEmbeddings: true,
    tieOutput: true,
    scaleEmbedding: true,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.3,
    attention: [{ use: 'softmax' }],
    cross: [{ use: 't2r-mlp', features: 4 }],
  };

  /** A batch in which row r has `lengths[r]` tokens of target and as many of source. */
  function batchOf(rows: number, T: number, lengths: number[]): TrainingBatch {
    const random = createRandom('batch', rows, T);
    const ids = () => Int32Array.from({ length: rows * T }, () => random.integer(11));
    const mask = new Float32Array(rows * T);
    for (const [row, length] of lengths.entries()) mask.fill(1, row * T, row * T + length);
    const shape = [rows, T];
    const int = { shape, dtype: 'int32' as const };
    return {
      arrays: { source: ids(), sourceMask: mask, inputs: ids(), targets: ids(), weights: mask.slice() },
      specs: { source: int, sourceMask: { shape }, inputs: int, targets: int, weights: { shape } },
      tokens: lengths.reduce((a, b) => a + b),
    };
  }

  test('is the sum over the tokens of all its batches by their number, and so is its gradient', async () => {
    const registry = createRegistry([attention]);
    const translation = buildTranslationModel(config, registry);
    const trained = trainedParameters(translation.parameters());
    const plain = { betas: [0.9, 0.98] as [number, number], eps: 1e-8, weightDecay: 0, decayAll: false };
    const adam = createAdam('adam', plain, false);
    const step = async (accumulate: number, batches: TrainingBatch[]) => {
      const variables = engine.variables({ ...initialWeights(translation, 1), ...slotVariables(trained, adam) });
      const objective = translationObjective(translation, 0.1);
      const options = { objective, trained, optimizer: adam, accumulate, uniform: false, clip: 0, seed: 1 };
      const program = createTrainingProgram(engine, variables, options);
      const outcome = await program.run(0, [1e-3], batches);
      const slots = trained.map(({ name }) => variables.read(`adam.m/${name}`));
      await program.dispose();
      return { ...outcome, slots };
    };
    const small = batchOf(2, 6, [6, 2]);
    const large = batchOf(4, 4, [4, 3, 4, 1]);
    const [a, b, both] = [await step(1, [small]), await step(1, [large]), await step(2, [small, large])];
    const [m, n] = [small.tokens, large.tokens];
    expect(both.loss).toBeCloseTo((m * a.loss + n * b.loss) / (m + n), 5);
    for (const [i, slot] of both.slots.entries())
      for (const [j, value] of slot.entries())
        expect(value).toBeCloseTo((m * a.slots[i]![j]! + n * b.slots[i]![j]!) / (m + n), 6);
  });

  test('the mean of weights is that of the chosen evaluations', async () => {
    const variables = engine.variables({ w: { shape: [2], data: Float32Array.of(0, 0) } });
    const state = initialState();
    const kept = keptWeights(root, variables, ['w'], { of: 'best', count: 2 });
    for (const [step, perplexity] of [5, 3, 9, 4].entries()) {
      state.step = step + 1;
      variables.write('w', Float32Array.of(step + 1, 10 * (step + 1)));
      await kept.add(state, { perplexity });
    }
    expect(state.kept!.map(({ step }) => step)).toEqual([2, 4]);
    expect((await readdir(root)).sort()).toEqual(['kept-2.safetensors', 'kept-4.safetensors']);
    await kept.apply(state);
    expect(Array.from(variables.read('w'))).toEqual([3, 30]);
  });
});
