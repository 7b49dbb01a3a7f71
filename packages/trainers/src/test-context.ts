/** Runs steps in tests: the real registry, a small tokens artifact on disk, and events that are kept in memory. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type Artifact, type ComponentSpec, createRegistry, type Plugin, type Step, type StepContext } from '@t2r/core';
import datasets, { type TokensData } from '@t2r/datasets';
import engine from '@t2r/engine';
import models from '@t2r/models';
import tokenizers from '@t2r/tokenizers';
import { expect } from 'vitest';
import { plugin } from './plugin.js';

export const VOCAB = 20;

export interface TestRun {
  /** Runs a step, or runs it again in the same folder; its artifact can then be referred to by `id`. */
  run(id: string, spec: ComponentSpec, options?: { signal?: AbortSignal; onProgress?: () => void }): Promise<Artifact>;
  /** Runs a training step until it has reported its progress `times` times, and fails there as if it were killed. */
  kill(id: string, spec: ComponentSpec, times: number): Promise<void>;
  /** Folder of a step. */
  folder(id: string): string;
  warnings: string[];
  /** Points by series: [x, y]. */
  points: Record<string, [number, number][]>;
}

/** Ids that are easy to predict: each is the one before plus 1, 2 or 3 in turn. */
function predictableIds(count: number): Uint16Array {
  const ids = new Uint16Array(count);
  for (let i = 1; i < count; i++) ids[i] = (ids[i - 1]! + 1 + (i % 3)) % VOCAB;
  return ids;
}

/** A run in `root` with the artifacts `tokenizer` and `tokens` in place. */
export async function createTestRun(
  root: string,
  engineSpec: ComponentSpec,
  plugins: readonly Plugin[] = [],
): Promise<TestRun> {
  const registry = createRegistry([attention, engine, models, tokenizers, datasets, plugin, ...plugins]);
  const artifacts = new Map<string, Artifact>();
  const folder = (id: string) => join(root, id);
  const place = async (id: string, kind: string, data: unknown) => {
    await mkdir(folder(id), { recursive: true });
    artifacts.set(id, { id, use: id, kind, key: id, folder: folder(id), metrics: {}, data, seconds: 0 });
  };
  const ids = predictableIds(600);
  const split = (file: string, tokens: number) => ({ file, dtype: 'uint16' as const, tokens, bytes: 0, documents: 1 });
  const tokens: TokensData = {
    vocab: VOCAB,
    unit: 'id',
    splits: { train: split('train.bin', 500), valid: split('valid.bin', 100) },
  };
  await place('tokenizer', 'tokenizer', { vocab: VOCAB });
  await writeFile(join(folder('tokenizer'), 'tokenizer.json'), '{}');
  await place('tokens', 'tokens', tokens);
  await writeFile(join(folder('tokens'), 'train.bin'), ids.subarray(0, 500));
  await writeFile(join(folder('tokens'), 'valid.bin'), ids.subarray(500));

  const warnings: string[] = [];
  const points: TestRun['points'] = {};
  const run: TestRun = {
    warnings,
    points,
    folder,
    async kill(id, spec, times) {
      let reports = 0;
      const onProgress = () => {
        reports += 1;
        if (reports === times) throw new Error('killed');
      };
      await expect(run.run(id, spec, { onProgress })).rejects.toThrow('killed');
    },
    async run(id, spec, { signal = new AbortController().signal, onProgress } = {}) {
      const step: Step = registry.create('step', spec);
      await mkdir(folder(id), { recursive: true });
      const context: StepContext = {
        id,
        folder: folder(id),
        seed: 1,
        engineSpec,
        signal,
        run: { name: 'test', folder: root },
        create: (kind, nested) => registry.create(kind, nested),
        input: ({ step: name }) => artifacts.get(name)!,
        all: () => [...artifacts.values()],
        events: {
          progress: () => onProgress?.(),
          point: (series, x, y) => {
            points[series] ??= [];
            points[series].push([x, y]);
          },
          info: () => {},
          warn: (message) => warnings.push(message),
        },
      };
      const { metrics = {}, data } = await step.run(context);
      const { produces: kind } = step;
      const artifact = { id, use: spec.use, kind, key: id, folder: folder(id), metrics, data, seconds: 0 };
      artifacts.set(id, artifact);
      return artifact;
    },
  };
  return run;
}

/** A decoder-only model small enough for the plain JavaScript engine. */
export const tinyModel: ComponentSpec = {
  use: 'decoder-lm',
  layers: 2,
  dim: 16,
  heads: 2,
  ffn: 32,
  positions: 'learned',
  maxPositions: 8,
  attention: { use: 'softmax' },
};

/** Options of a short training step. */
export const tinyTraining = {
  use: 'train/lm',
  from: { step: 'init' },
  data: { step: 'tokens' },
  steps: 12,
  batch: 4,
  block: 8,
  optimizer: { use: 'adamw' },
  schedule: { use: 'cosine', peak: 1e-2, warmup: 2 },
  clip: 1,
};
