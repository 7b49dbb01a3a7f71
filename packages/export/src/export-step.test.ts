import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Artifact, PlanContext, Step, StepContext } from '@t2r/core';
import { writeTokens } from '@t2r/datasets';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { languageConfig, registry, VOCAB, writeCheckpoint } from './__fixtures__/checkpoints.js';
import { exportStep } from './export-step.js';
import { readExported } from './folder/read-exported.js';

const config = languageConfig([{ use: 't2r-mlp', features: 4 }, { use: 'softmax' }]);

let folder: string;
let artifacts: Artifact[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-export-step-'));
  const ids = Int32Array.from({ length: 300 }, (_, i) => (i * i * 7 + 3 * i) % VOCAB);
  const tokens = await writeTokens(
    join(folder, 'test.bin'),
    'uint16',
    (async function* () {
      yield ids;
    })(),
  );
  const split = { file: 'test.bin', dtype: 'uint16', tokens, bytes: 300, documents: 1 };
  const artifact = (id: string, kind: string, rest: Partial<Artifact>): Artifact => ({
    id,
    use: `test/${kind}`,
    kind,
    key: id,
    folder,
    metrics: {},
    data: {},
    seconds: 0,
    ...rest,
  });
  artifacts = [
    artifact('finetune', 'checkpoint', {
      folder: await writeCheckpoint(join(folder, 'checkpoint'), config),
      metrics: { 'train.loss': 3.5 },
    }),
    artifact('tokens', 'tokens', { data: { vocab: VOCAB, unit: 'BPE token', splits: { test: split } } }),
    artifact('perplexity', 'metrics', {
      metrics: { 'finetune.test': 12.25, 'pretrain.test': 11 },
      data: { protocols: { test: { text: 'ppl|unit:BPE token' } } },
    }),
  ];
});
afterAll(() => rm(folder, { recursive: true }));

const step = (options: Record<string, unknown> = {}) =>
  exportStep.create(
    exportStep.schema.parse({
      from: { step: 'finetune' },
      data: { step: 'tokens' },
      evaluations: [{ step: 'perplexity' }],
      chunk: 8,
      capacity: 48,
      ...options,
    }),
    registry,
  ) as Step;

it('plans sizes without running', () => {
  const context = {
    create: registry.create,
    engineSpec: { use: 'onnx' },
    input: (ref: { step: string }) => ({ produces: ref.step === 'finetune' ? { config } : { vocab: VOCAB } }),
  } as unknown as PlanContext;
  // T2R: S [2, 4, 9]; softmax: k and v [2, 48, 8].
  expect(step().plan!(context)).toMatchObject({ stateBytesPerSequence: 4 * (72 + 2 * 2 * 48 * 8) });
});

it('leaves a folder whose card has the figures, and a program that runs', async () => {
  const messages: string[] = [];
  const context = {
    create: registry.create,
    folder: join(folder, 'step'),
    events: { info: (message: string) => messages.push(message) },
    signal: new AbortController().signal,
    input: (ref: { step: string }) => artifacts.find(({ id }) => id === ref.step)!,
    run: { name: 'my-run', folder },
  } as unknown as StepContext;
  const { metrics, data } = await step().run(context);
  const names = step().metricNames!();
  expect(Object.keys(metrics!).sort()).toEqual([...names].sort());
  expect(metrics!.agreement).toBe(1);
  expect(messages.join('\n')).toContain('split test of step tokens');
  const target = join(folder, 'step', (data as { folder: string }).folder);
  const { manifest } = await readExported(target);
  expect(manifest.name).toBe('my-run finetune');
  expect(metrics!.state_bytes).toBe(manifest.state_bytes);

  const card = await readFile(join(target, 'README.md'), 'utf8');
  for (const text of ['| finetune.test | 12.25 |', '| train.loss | 3.5 |', '`ppl|unit:BPE token`'])
    expect(card).toContain(text);
  expect(card).not.toContain('pretrain.test');
  const script = /```js\n(.*?)```/s.exec(card)![1]!.replace('path/to/folder', target);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
  });
  const ids = JSON.parse(stdout) as number[];
  expect(ids.slice(0, 3)).toEqual([1, 2, 3]);
  expect(ids.length).toBeGreaterThan(3);
});

it('weights in few bits: smaller files, their loss reported', async () => {
  const contextFor = (name: string) =>
    ({
      create: registry.create,
      folder: join(folder, name),
      events: { info: () => {} },
      signal: new AbortController().signal,
      input: (ref: { step: string }) => artifacts.find(({ id }) => id === ref.step)!,
      run: { name: 'my-run', folder },
    }) as unknown as StepContext;
  for (const dtype of ['fp16', 'int8', 'int4'] as const) {
    const { metrics, data } = await step({ dtype }).run(contextFor(dtype));
    const { manifest } = await readExported(join(folder, dtype, (data as { folder: string }).folder));
    expect(manifest.dtype).toBe(dtype);
    expect(metrics!.agreement).toBeGreaterThan(0.5);
    expect(Number.isFinite(metrics!['perplexity.exported'])).toBe(true);
  }
});
