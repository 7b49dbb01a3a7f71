/** What every engine promises: variables, updates, rows, dropout, and for the compiled one sessions and files. */
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deriveSeed } from '@t2r/core';
import * as tf from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeWeightsFile } from './onnx/weights-file.js';
import { openEngine } from './open.js';
import { linear } from './ops/linear.js';
import { openBoth } from './testing/compare.js';
import type { Engine, Program } from './types.js';

let engines: Engine[];
beforeAll(async () => {
  engines = await openBoth();
});

const each = (check: (engine: Engine) => Promise<void>) => async () => {
  for (const engine of engines) await check(engine);
};

describe('engines', () => {
  it(
    'keep updated variables and hand back outputs',
    each(async (engine) => {
      const variables = engine.variables({ sum: { shape: [2], data: Float32Array.of(1, 2) } });
      const add = await engine.compile({
        name: 'add',
        inputs: { x: { shape: [2] } },
        variables,
        program: ({ x }, { sum }) => ({ outputs: { before: sum! }, updates: { sum: tf.add(sum!, x!) } }),
      });
      const read = await engine.compile({
        name: 'read',
        inputs: {},
        variables,
        program: (_, { sum }) => ({ outputs: { twice: tf.mul(sum!, 2), same: sum! } }),
      });
      expect((await add.run({ x: Float32Array.of(10, 20) })).before).toEqual(Float32Array.of(1, 2));
      await add.run({ x: Float32Array.of(10, 20) });
      expect(variables.read('sum')).toEqual(Float32Array.of(21, 42));
      expect(await read.run({})).toEqual({ twice: Float32Array.of(42, 84), same: Float32Array.of(21, 42) });
      variables.write('sum', Float32Array.of(0, 1));
      expect((await read.run({})).twice).toEqual(Float32Array.of(0, 2));
    }),
  );

  it(
    'write rows into a variable where an input says',
    each(async (engine) => {
      const variables = engine.variables({ cache: { shape: [2, 4, 1], data: new Float32Array(8) } });
      const append = await engine.compile({
        name: 'append',
        inputs: { x: { shape: [2, 2, 1] }, at: { shape: [], dtype: 'int32' } },
        variables,
        program: ({ x }, { cache }) => ({
          outputs: { sum: tf.sum(cache!) },
          updates: { cache: { rows: tf.mul(x!, 10), axis: 1, at: 'at' } },
        }),
      });
      await append.run({ x: Float32Array.of(1, 2, 3, 4), at: Int32Array.of(1) });
      expect(variables.read('cache')).toEqual(Float32Array.of(0, 10, 20, 0, 0, 30, 40, 0));
      // What reaches past the end is padding.
      const { sum } = await append.run({ x: Float32Array.of(5, 6, 7, 8), at: Int32Array.of(3) });
      expect(sum).toEqual(Float32Array.of(100));
      expect(variables.read('cache')).toEqual(Float32Array.of(0, 10, 20, 50, 0, 30, 40, 70));
    }),
  );

  it(
    'copy entries of a variable, whole or some rows of them',
    each(async (engine) => {
      const count = (length: number) => Float32Array.from({ length }, (_, i) => i);
      const variables = engine.variables({
        state: { shape: [3, 2], data: count(6) },
        cache: { shape: [2, 2, 3, 1], data: count(12) },
      });
      variables.copyEntry('state', { from: 2, to: 0 });
      expect(variables.read('state')).toEqual(Float32Array.of(4, 5, 2, 3, 4, 5));
      variables.copyEntry('cache', { from: 0, to: 1, rows: { axis: 2, start: 1, end: 3 } });
      expect(variables.read('cache')).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5, 6, 1, 2, 9, 4, 5));
      const source = engine.variables({
        state: { shape: [1, 2], data: Float32Array.of(-1, -2) },
        cache: { shape: [1, 2, 2, 1], data: Float32Array.of(-1, -2, -3, -4) },
      });
      variables.copyEntry('state', { from: 0, to: 2, source });
      expect(variables.read('state')).toEqual(Float32Array.of(4, 5, 2, 3, -1, -2));
      variables.copyEntry('cache', { from: 0, to: 1, source, rows: { axis: 2, start: 0, end: 2 } });
      expect(variables.read('cache')).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5, -1, -2, 2, -3, -4, 5));
      const rows = { axis: 2, start: 1, end: 4 };
      expect(() => variables.copyEntry('state', { from: 3, to: 0 })).toThrow(/no entries 3 to 0/);
      expect(() => variables.copyEntry('cache', { from: 0, to: 1, rows })).toThrow(/rows 1 .. 4/);
      expect(() => variables.copyEntry('cache', { from: 0, to: 1, source, rows })).toThrow(/rows 1 .. 4/);
    }),
  );

  it(
    'draw dropout masks from the seed, the step and the site only',
    each(async (engine) => {
      const compile = (seed: number) =>
        engine.compile({
          name: 'drop',
          inputs: { x: { shape: [4000] } },
          seed,
          program: ({ x }, _, random) => ({ outputs: { a: random.dropout(x!, 0.25), b: random.dropout(x!, 0.25) } }),
        });
      const x = new Float32Array(4000).fill(1);
      const [one, again, other] = [await compile(7), await compile(7), await compile(8)];
      const first = await one.run({ x }, { step: 3 });
      expect(await again.run({ x }, { step: 3 })).toEqual(first);
      expect((await one.run({ x }, { step: 4 })).a).not.toEqual(first.a);
      expect((await other.run({ x }, { step: 3 })).a).not.toEqual(first.a);
      expect(first.a).not.toEqual(first.b);
      expect(new Set(first.a)).toEqual(new Set([0, Math.fround(4 / 3)]));
      expect(first.a!.filter((value) => value === 0).length / 4000).toBeCloseTo(0.25, 1);
    }),
  );

  it(
    'begin variables without data as zeros',
    each(async (engine) => {
      const variables = engine.variables({ sum: { shape: [2] }, count: { shape: [], dtype: 'int32' } });
      variables.add('late', { shape: [1, 2] });
      expect(variables.read('sum')).toEqual(new Float32Array(2));
      expect(variables.read('count')).toEqual(new Int32Array(1));
      expect(variables.read('late')).toEqual(new Float32Array(2));
    }),
  );

  it(
    'draw integers from the seed, the step and the site only, the same on all engines',
    each(async (engine) => {
      const program = await engine.compile({
        name: 'draw',
        inputs: { x: { shape: [] } },
        seed: 7,
        program: ({ x }, _, random) => ({ outputs: { y: tf.add(random.integers(500, 4), tf.cast(x!, 'int32')) } }),
      });
      const { y } = await program.run({ x: Float32Array.of(0) }, { step: 3 });
      const expected = Int32Array.from({ length: 500 }, (_, site) => deriveSeed(7, 'dropout', 3, site) % 4);
      expect(y).toEqual(expected);
      expect(new Set(y)).toEqual(new Set([0, 1, 2, 3]));
      expect((await program.run({ x: Float32Array.of(0) }, { step: 4 })).y).not.toEqual(y);
    }),
  );

  it(
    'name a feed that is missing, unknown or of the wrong size',
    each(async (engine) => {
      const program = await engine.compile({
        name: 'p',
        inputs: { x: { shape: [2] } },
        program: ({ x }) => ({ outputs: { y: x! } }),
      });
      await expect(program.run({})).rejects.toThrow("input 'x' is missing");
      await expect(program.run({ x: Float32Array.of(1) })).rejects.toThrow("input 'x' is [2], got 1 values");
      await expect(program.run({ x: new Float32Array(2), z: new Float32Array(1) })).rejects.toThrow("no input 'z'");
    }),
  );
});

describe('the compiled engine', () => {
  it('refuses programs that read values or use tensors from outside', async () => {
    const engine = engines[1]!;
    const compile = (program: (x: tf.Tensor) => tf.Tensor) =>
      engine.compile({
        name: 'p',
        inputs: { x: { shape: [2] } },
        program: ({ x }) => ({ outputs: { y: program(x!) } }),
      });
    await expect(compile((x) => tf.mul(x, x.dataSync()[0]!))).rejects.toThrow('must not branch on values');
    await expect(compile((x) => tf.unique(x).values)).rejects.toThrow("kernel 'Unique' cannot be compiled");
    // A failed trace leaves the engine usable.
    const program = await compile((x) => tf.mul(x, 2));
    expect((await program.run({ x: Float32Array.of(1, 2) })).y).toEqual(Float32Array.of(2, 4));
  });

  it('computes constants once, while tracing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 't2r-engine-'));
    const program = await engines[1]!.compile({
      name: 'folded',
      inputs: { x: { shape: [3, 3] } },
      program: ({ x }) => ({
        outputs: { y: tf.mul(x!, tf.linalg.bandPart(tf.add(tf.ones([3, 3]), 1) as tf.Tensor2D, -1, 0)) },
      }),
    });
    await program.export(join(folder, 'm.onnx'));
    const text = (await readFile(join(folder, 'm.onnx'))).toString('latin1');
    expect(text).toContain('Mul');
    for (const op of ['Add', 'Where', 'Greater', 'Sub']) expect(text).not.toContain(op);
  });

  it('gives files that plain ONNX Runtime opens, weights inside or beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 't2r-engine-'));
    const weight = Float32Array.from({ length: 64 * 32 }, (_, i) => Math.sin(i));
    const program = await engines[1]!.compile({
      name: 'linear',
      inputs: { x: { shape: [2, 64] } },
      constants: { w: { shape: [64, 32], data: weight }, b: { shape: [32], data: new Float32Array(32).fill(1) } },
      program: ({ x }, { w, b }) => ({ outputs: { y: linear(x!, w!, b!) } }),
    });
    const x = Float32Array.from({ length: 128 }, (_, i) => Math.cos(i));
    const { y } = await program.run({ x });
    for (const externalData of [false, true]) {
      const path = join(folder, `${externalData}.onnx`);
      await program.export(path, { externalData });
      const session = await ort.InferenceSession.create(path);
      const result = await session.run({ 'input.x': new ort.Tensor('float32', x, [2, 64]) });
      expect(result['output.y']!.data).toEqual(y);
    }
    expect((await readFile(join(folder, 'true.onnx'))).length).toBeLessThan(2000);
    const twice = await engines[1]!.compile({
      name: 'twice',
      inputs: { x: { shape: [2, 64] } },
      constants: { again: { shape: [64, 32], data: weight }, own: { shape: [32, 64], data: weight.map((w) => w + 1) } },
      program: ({ x }, { again, own }) => ({ outputs: { y: linear(linear(x!, again!), own!) } }),
    });
    await writeWeightsFile(join(folder, 'shared.data'), async (externalData) => {
      await program.export(join(folder, 'one.onnx'), { externalData });
      await twice.export(join(folder, 'two.onnx'), { externalData });
    });
    // A matrix of both and one of the second.
    expect((await readFile(join(folder, 'shared.data'))).length).toBe(2 * 64 * 32 * 4);
    for (const [name, expected] of [
      ['one', y],
      ['two', (await twice.run({ x })).y],
    ] as const) {
      const session = await ort.InferenceSession.create(join(folder, `${name}.onnx`));
      expect((await session.run({ 'input.x': new ort.Tensor('float32', x, [2, 64]) }))['output.y']!.data).toEqual(
        expected,
      );
    }
    const own = join(folder, 'own.onnx');
    await program.export(own, { names: 'own' });
    const named = await ort.InferenceSession.create(own);
    expect((await named.run({ x: new ort.Tensor('float32', x, [2, 64]) })).y!.data).toEqual(y);
    const taken = await engines[1]!.compile({
      name: 'taken',
      inputs: { w: { shape: [1] } },
      constants: { w: { shape: [1], data: Float32Array.of(2) } },
      program: (inputs, { w }) => ({ outputs: { y: tf.mul(inputs.w!, w!) } }),
    });
    await expect(taken.export(own, { names: 'own' })).rejects.toThrow("'w' cannot be the name of 'input.w' too");
    await expect(
      engines[0]!.compile({ name: 'q', inputs: {}, program: () => ({ outputs: {} }) }).then((p) => p.export('x')),
    ).rejects.toThrow("only the 'onnx' engine");
  });

  it('traces a function once for the same shapes, while a program of it is open', async () => {
    const engine = await openEngine('onnx', { threads: 1 });
    let traced = 0;
    const program: Program = ({ x }) => {
      traced++;
      return { outputs: { y: tf.add(x!, 1) } };
    };
    const compile = (shape: number[]) => engine.compile({ name: 'add', inputs: { x: { shape } }, program });
    const [first, second] = [await compile([2]), await compile([2])];
    expect(traced).toBe(1);
    const longer = await compile([3]);
    expect(traced).toBe(2);
    expect(await longer.run({ x: Float32Array.of(1, 2, 3) })).toEqual({ y: Float32Array.of(2, 3, 4) });
    await first.dispose();
    expect(await second.run({ x: Float32Array.of(1, 2) })).toEqual({ y: Float32Array.of(2, 3) });
    await second.dispose();
    const third = await compile([2]);
    expect(traced).toBe(3);
    expect(await third.run({ x: Float32Array.of(5, 6) })).toEqual({ y: Float32Array.of(6, 7) });
    await engine.dispose();
  });

  it('forgets what it has traced with the session, whichever function was the last to use it', async () => {
    const engine = await openEngine('onnx', { threads: 1 });
    const adding =
      (): Program =>
      ({ x }) => ({ outputs: { y: tf.add(x!, 1) } });
    const [one, other] = [adding(), adding()];
    const compile = (program: Program) => engine.compile({ name: 'add', inputs: { x: { shape: [2] } }, program });
    const [first, second] = [await compile(one), await compile(other)];
    await first.dispose();
    await second.dispose();
    const again = await compile(one);
    expect(await again.run({ x: Float32Array.of(1, 2) })).toEqual({ y: Float32Array.of(2, 3) });
    await engine.dispose();
  });

  it('shares a session between programs of one structure and lives on when one is disposed', async () => {
    const engine = engines[1]!;
    const compile = () =>
      engine.compile({
        name: 's',
        inputs: { x: { shape: [2] } },
        program: ({ x }) => ({ outputs: { y: tf.exp(x!) } }),
      });
    const [a, b] = [await compile(), await compile()];
    await a.dispose();
    expect((await b.run({ x: Float32Array.of(0, 1) })).y![0]).toBe(1);
  });

  it('says how to get an engine that is not installed', async () => {
    await expect(openEngine('tfjs-node')).rejects.toThrow('optional package @tensorflow/tfjs-node');
    const cuda = await openEngine('onnx', { provider: 'cuda' });
    const compile = () => cuda.compile({ name: 'c', inputs: {}, program: () => ({ outputs: { y: tf.scalar(1) } }) });
    await expect(compile()).rejects.toThrow("provider 'cuda'");
    await expect(compile()).rejects.toThrow("provider 'cuda'");
    await cuda.dispose();
  });
});
