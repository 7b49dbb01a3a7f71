/**
 * The forms of one attention against each other on an engine: parallel, step by step, fused, prompts in pieces. The checks
 * take an engine, so that every engine answers to them.
 */
import { type Attention, createRotation, type RecurrentResult, type RotaryOptions, rotateInputs } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import type { Engine, HostTensor, RowUpdate, TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';

export interface Sample {
  batch: number;
  heads: number;
  time: number;
  headDim: number;
  /** Heads of keys and values; absent: heads. */
  kvHeads?: number;
  /** Rotary positions; absent: none. */
  rotary?: RotaryOptions;
  modelDim: number;
  /** Layer input [B,T,modelDim] and the projections' weights: q, k, v [modelDim, heads * headDim] (kvHeads for k and v) and biases. */
  tensors: Record<string, HostTensor & { data: Float32Array }>;
  /** The variant's own parameters. */
  parameters: Record<string, HostTensor & { data: Float32Array }>;
}

const POSITION = 'position';

const headsOf = ({ heads, kvHeads = heads }: Pick<Sample, 'heads' | 'kvHeads'>, name: string) =>
  name === 'q' ? heads : kvHeads;

/** Random inputs and weights. `deadHead` gives head 0 a bias so low that relu features are all zero there. */
export function createSample(
  attention: Attention,
  size: Pick<Sample, 'batch' | 'heads' | 'time' | 'headDim' | 'kvHeads' | 'rotary'>,
  { deadHead = false } = {},
): Sample {
  const { batch, heads, time, headDim, kvHeads } = size;
  const modelDim = heads * headDim;
  const normal = (name: string, shape: number[], std: number) => {
    const random = createRandom('attention sample', name);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => std * random.normal());
    return { shape, data };
  };
  const tensors: Sample['tensors'] = { x: normal('x', [batch, time, modelDim], 1) };
  for (const name of ['q', 'k', 'v']) {
    const width = headsOf(size, name) * headDim;
    tensors[`${name}.weight`] = normal(`${name}.weight`, [modelDim, width], modelDim ** -0.5);
    tensors[`${name}.bias`] = normal(`${name}.bias`, [width], 0.1);
  }
  const parameters: Sample['parameters'] = {};
  for (const { name, shape, init } of attention.parameters({ heads, headDim, kvHeads })) {
    const { data } = normal(name, shape, shape.length === 3 ? headDim ** -0.5 : 0.1);
    parameters[name] = { shape, data: init.kind === 'ones' ? data.map((value) => 1 + value) : data };
  }
  if (deadHead) parameters['phi.bias']!.data.fill(-1e3, 0, parameters['phi.bias']!.shape[1]);
  return { ...size, modelDim, tensors, parameters };
}

/** x projected and split into heads: queries [B,H,T,width], keys and values [B,kvHeads,T,width]. */
export function projections(sample: Sample, x: tf.Tensor, all: TensorMap): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [batch, time, dim] = x.shape as [number, number, number];
  const rows = tf.reshape(x, [batch * time, dim]) as tf.Tensor2D;
  return ['q', 'k', 'v'].map((name) => {
    const product = tf.add(tf.matMul(rows, all[`${name}.weight`] as tf.Tensor2D), all[`${name}.bias`]!);
    return tf.transpose(tf.reshape(product, [batch, time, headsOf(sample, name), -1]), [0, 2, 1, 3]);
  }) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

export async function runParallel(
  engine: Engine,
  attention: Attention,
  sample: Sample,
  causal = true,
): Promise<Float32Array> {
  const program = await engine.compile({
    name: 'parallel',
    inputs: { x: sample.tensors.x! },
    constants: { ...sample.tensors, ...sample.parameters },
    program: ({ x }, all) => {
      const [ownQ, ownK, v] = projections(sample, x!, all);
      const turned = sample.rotary && createRotation(sample.rotary, sample.time);
      const { q, k, rotation } = rotateInputs(attention, { q: ownQ, k: ownK }, turned);
      return { outputs: { y: attention.parallel(q, k, v, all, { causal, rotation, input: x! }) } };
    },
  });
  const { y } = await program.run({ x: sample.tensors.x!.data });
  await program.dispose();
  return y as Float32Array;
}

export interface RecurrentRun {
  /** Sizes of the pieces the positions come in; 1 is a step, more a prefill. Sum = time. */
  pieces: number[];
  /** Pieces are padded on the right to this size with garbage (prefill with `count`). */
  padTo?: number;
  fused?: boolean;
  capacity?: number;
}

/** Runs the recurrent form over the sample; returns the outputs [B,H,T,d] and the final state. */
export async function runRecurrent(engine: Engine, attention: Attention, sample: Sample, run: RecurrentRun) {
  const { batch, heads, time, headDim, kvHeads, modelDim, tensors, parameters } = sample;
  const { pieces, padTo, fused = false, capacity = time + (padTo ?? 0) } = run;
  const weights = fused
    ? { ...fusedWeights(attention, sample), ...(attention.fusedOnes && valuesWithOnes(sample)) }
    : tensors;
  const specs = attention.state({ heads, headDim, kvHeads }, batch, capacity);
  const variables = engine.variables(
    Object.fromEntries(
      specs.map(({ name, shape }) => [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }]),
    ),
  );
  const constants: Sample['tensors'] = { ...weights, ...parameters };
  delete constants.x;
  const compile = (size: number) =>
    engine.compile({
      name: `recurrent ${size}`,
      inputs: {
        x: { shape: [batch, size, modelDim] },
        [POSITION]: { shape: [], dtype: 'int32' },
        count: { shape: [], dtype: 'int32' },
      },
      variables,
      constants,
      program: ({ x, position, count }, all) => {
        const [ownQ, ownK, v] = projections(sample, x!, all);
        const positions = tf.add(position!, tf.range(0, size, 1, 'int32'));
        const turned = sample.rotary && createRotation(sample.rotary, positions);
        const { q, k, rotation } = rotateInputs(attention, { q: ownQ, k: ownK }, turned);
        const state = Object.fromEntries(specs.map(({ name }) => [name, all[name]!]));
        const options = {
          position: position!,
          positionInput: POSITION,
          count: padTo === undefined ? undefined : count!,
          rotation,
          input: x!,
        };
        const call = (): RecurrentResult => {
          if (fused) {
            const form = size === 1 ? attention.fusedStep! : attention.fusedPrefill!;
            return form(tf.concat([q, k], 1), v, state, options);
          }
          return (size === 1 ? attention.step : attention.prefill)(q, k, v, state, all, options);
        };
        const result = call();
        return { outputs: { y: result.output }, updates: result.state as Record<string, tf.Tensor | RowUpdate> };
      },
    });
  const programs = new Map<number, Awaited<ReturnType<typeof compile>>>();
  const output = new Float32Array(batch * heads * time * headDim);
  let position = 0;
  for (const piece of pieces) {
    const size = padTo ?? piece;
    if (!programs.has(size)) programs.set(size, await compile(size));
    const x = new Float32Array(batch * size * modelDim).fill(3); // garbage where nothing is copied
    for (let b = 0; b < batch; b++) {
      const from = (b * time + position) * modelDim;
      x.set(tensors.x!.data.subarray(from, from + piece * modelDim), b * size * modelDim);
    }
    const { y } = await programs
      .get(size)!
      .run({ x, [POSITION]: Int32Array.of(position), count: Int32Array.of(piece) });
    for (let row = 0; row < batch * heads; row++) {
      const from = row * size * headDim;
      output.set(y!.subarray(from, from + piece * headDim), (row * time + position) * headDim);
    }
    position += piece;
  }
  for (const program of programs.values()) await program.dispose();
  const state = Object.fromEntries(specs.map(({ name }) => [name, variables.read(name) as Float32Array]));
  variables.dispose();
  return { output, state };
}

/** The columns of v with one of ones beside those of each head: weights 0 and bias 1. */
function valuesWithOnes({ heads, headDim, kvHeads = heads, modelDim, tensors }: Sample) {
  const widened = (rows: number, data: Float32Array, last: number) => {
    const wide = new Float32Array(rows * kvHeads * (headDim + 1)).fill(last);
    for (let i = 0; i < rows * kvHeads; i++) wide.set(data.subarray(i * headDim, (i + 1) * headDim), i * (headDim + 1));
    return wide;
  };
  const width = kvHeads * (headDim + 1);
  return {
    'v.weight': { shape: [modelDim, width], data: widened(modelDim, tensors['v.weight']!.data, 0) },
    'v.bias': { shape: [width], data: widened(1, tensors['v.bias']!.data, 1) },
  };
}

/** The sample's weights with the feature map folded into the q and k projections. */
export function fusedWeights(attention: Attention, sample: Sample) {
  const { heads, headDim, kvHeads, modelDim, tensors, parameters } = sample;
  const fused = attention.fuse!({
    shape: { heads, headDim, kvHeads },
    modelDim,
    queryWeight: tensors['q.weight']!.data,
    queryBias: tensors['q.bias']!.data,
    keyWeight: tensors['k.weight']!.data,
    keyBias: tensors['k.bias']!.data,
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data])),
  });
  const width = (name: string) => headsOf(sample, name) * fused.width;
  return {
    ...tensors,
    'q.weight': { shape: [modelDim, width('q')], data: fused.queryWeight },
    'q.bias': { shape: [width('q')], data: fused.queryBias },
    'k.weight': { shape: [modelDim, width('k')], data: fused.keyWeight },
    'k.bias': { shape: [width('k')], data: fused.keyBias },
  };
}
