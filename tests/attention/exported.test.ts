/** The one-token step as an .onnx file in plain ONNX Runtime, for every variant: what ships gives what training computed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Attention } from '@t2r/attention';
import { type Engine, openEngine } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from './compare.js';
import { createSample, projections, runParallel, type Sample } from './forms.js';
import { registry, VARIANTS } from './variants.js';

const TIME = 40;

/** Writes the step of an attention with its projections: x [B,1,modelDim], position and state in, output and state out. */
async function exportStep(engine: Engine, attention: Attention, sample: Sample, path: string): Promise<void> {
  const { batch, heads, headDim, modelDim, tensors, parameters } = sample;
  const { x: _, ...weights } = tensors;
  const specs = attention.state({ heads, headDim }, batch, TIME);
  const program = await engine.compile({
    name: 'step',
    inputs: {
      x: { shape: [batch, 1, modelDim] },
      position: { shape: [], dtype: 'int32' },
      ...Object.fromEntries(specs.map(({ name, shape }) => [`state.${name}`, { shape }])),
    },
    constants: { ...weights, ...parameters },
    program: ({ x, position, ...given }, all) => {
      const [q, k, v] = projections(sample, x!, all);
      const state = Object.fromEntries(specs.map(({ name }) => [name, given[`state.${name}`]!]));
      const options = { position: position!, positionInput: 'position', input: x! };
      const result = attention.step(q, k, v, state, all, options);
      // A cache that grows takes its new rows at the position.
      const next = Object.entries(result.state).map(([name, update]) => [
        name,
        update instanceof tf.Tensor ? update : update.rows,
      ]);
      return { outputs: { y: result.output, ...Object.fromEntries(next) } };
    },
  });
  await program.export(path);
  await program.dispose();
}

/** Feeds the sample to the file, a position at a time; returns the outputs [B,H,T,d]. */
async function runFile(path: string, attention: Attention, sample: Sample): Promise<Float32Array> {
  const { batch, heads, headDim, modelDim, tensors } = sample;
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 });
  const specs = attention.state({ heads, headDim }, batch, TIME);
  const state = new Map(specs.map(({ name, shape }) => [name, new Float32Array(shape.reduce((a, b) => a * b, 1))]));
  const used = new Set(session.inputNames);
  const output = new Float32Array(batch * heads * TIME * headDim);
  for (let t = 0; t < TIME; t++) {
    const x = new Float32Array(batch * modelDim);
    for (let b = 0; b < batch; b++) {
      const from = (b * TIME + t) * modelDim;
      x.set(tensors.x!.data.subarray(from, from + modelDim), b * modelDim);
    }
    const feeds: Record<string, ort.Tensor> = {
      'input.x': new ort.Tensor('float32', x, [batch, 1, modelDim]),
      'input.position': new ort.Tensor('int32', Int32Array.of(t), []),
    };
    for (const { name, shape } of specs)
      feeds[`input.state.${name}`] = new ort.Tensor('float32', state.get(name)!, shape);
    const results = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => used.has(name))));
    const data = (name: string) => results[`output.${name}`]!.data as Float32Array;
    for (const { name, shape, grows } of specs) {
      const before = state.get(name)!;
      if (!grows) before.set(data(name));
      else
        for (let row = 0; row < shape[0]! * shape[1]!; row++)
          before.set(data(name).subarray(row * headDim, (row + 1) * headDim), (row * TIME + t) * headDim);
    }
    for (let row = 0; row < batch * heads; row++)
      output.set(data('y').subarray(row * headDim, (row + 1) * headDim), (row * TIME + t) * headDim);
  }
  await session.release();
  return output;
}

describe('the exported step', () => {
  let engine: Engine;
  let folder: string;
  beforeAll(async () => {
    engine = await openEngine('onnx');
    folder = await mkdtemp(join(tmpdir(), 't2r-step-'));
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true });
  });

  const check = async (attention: Attention) => {
    const sample = createSample(attention, { batch: 2, heads: 2, time: TIME, headDim: 4 });
    const path = join(folder, `${attention.name}.onnx`);
    await exportStep(engine, attention, sample, path);
    const reference = await runParallel(engine, attention, sample);
    expect(relativeMaximum(await runFile(path, attention, sample), reference)).toBeLessThanOrEqual(1e-5);
  };

  it.each(VARIANTS)('%s: 40 steps in plain ONNX Runtime = the parallel form', (_, spec) =>
    check(registry.create('attention', spec)),
  );
});
