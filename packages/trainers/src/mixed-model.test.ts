import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import models, { initialWeights, languageModel } from '@t2r/models';
import { expect, test } from 'vitest';
import { imitation } from './imitation.js';
import { mixedModel } from './mixed-model.js';
import { tinyModel, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);

test('every step has one of the two attentions in each layer, and all choices come up', async () => {
  const build = (specs: ComponentSpec[]) =>
    languageModel(registry.create('model', { ...tinyModel, initStd: 0.5, attention: specs }).build(VOCAB));
  const t2r = { use: 't2r-mlp', features: 4 };
  const student = build([t2r, t2r]);
  const pair = imitation(student, { use: 'softmax' }, { create: (kind, spec) => registry.create(kind, spec) });
  const softmax = { use: 'softmax' };
  const choices = [
    [softmax, softmax],
    [softmax, t2r],
    [t2r, softmax],
    [t2r, t2r],
  ].map(build);
  const engine = await openEngine('onnx', { threads: 1 });
  const shape = [2, 8];
  const program = await engine.compile({
    name: 'mixed',
    inputs: { inputs: { shape, dtype: 'int32' }, targets: { shape, dtype: 'int32' } },
    variables: engine.variables(initialWeights(student, 1)),
    seed: 1,
    program: ({ inputs, targets }, values, dropout) => ({
      outputs: {
        mixed: mixedModel(pair).loss(inputs!, targets!, values, { dropout }),
        ...Object.fromEntries(choices.map((model, i) => [`choice${i}`, model.loss(inputs!, targets!, values)])),
      },
    }),
  });
  const ids = Int32Array.from({ length: 16 }, (_, i) => (i * 7) % VOCAB);
  const seen = new Set<number>();
  for (let step = 0; step < 40; step++) {
    const { mixed, ...plain } = await program.run({ inputs: ids, targets: ids }, { step });
    const losses = choices.map((_, i) => plain[`choice${i}`]![0]!);
    const nearest = losses.map((loss) => Math.abs(loss - mixed![0]!));
    expect(Math.min(...nearest)).toBeLessThan(1e-5);
    expect(nearest.filter((distance) => distance < 1e-5)).toHaveLength(1);
    seen.add(nearest.indexOf(Math.min(...nearest)));
  }
  await engine.dispose();
  expect([...seen].sort()).toEqual([0, 1, 2, 3]);
});
