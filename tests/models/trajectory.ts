/**
 * Training runs whose losses PyTorch gave: a two-layer language model, all initial weights and batches stored, Adam without
 * schedule, clipping or dropout. The optimizer is written here a second time, on purpose.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type Attention, eluAttention, softmaxAttention, type T2rMlpOptions, t2rMlpAttention } from '@t2r/attention';
import type { Engine, HostTensor, TensorMap } from '@t2r/engine';
import { createLanguageModel, type LanguageModel } from '@t2r/models';
import { readTensors } from '@t2r/zoo';
import * as tf from '@tensorflow/tfjs-core';

export type TrajectoryKind = 'softmax' | 't2r' | 'elu';

/** How linear attention is computed. */
export type TrajectoryForm = Pick<T2rMlpOptions, 'form' | 'chunk'>;

export interface TrajectoryOptions {
  form?: TrajectoryForm;
  /** Folder of the stored run, below tests/fixtures. */
  folder?: string;
}

interface Trajectory {
  vocab: number;
  tokens: number;
  dim: number;
  heads: number;
  ffn: number;
  layers: number;
  batch: number;
  features: number;
  optimizer: { lr: number; betas: [number, number]; eps: number };
  losses: number[];
}

const fileIn = (folder: string) => (name: string) =>
  fileURLToPath(new URL(`../fixtures/${folder}/${name}`, import.meta.url));

function attentionOf(kind: TrajectoryKind, { features }: Trajectory, form: TrajectoryForm): Attention {
  if (kind === 'softmax') return softmaxAttention();
  if (kind === 'elu') return eluAttention({ epsilon: 1e-6, ...form });
  return t2rMlpAttention({ features, activation: 'relu', bias: true, epsilon: 1e-2, ...form });
}

function buildModel(kind: TrajectoryKind, run: Trajectory, form: TrajectoryForm): LanguageModel {
  const attention = attentionOf(kind, run, form);
  const { vocab, layers, dim, heads, ffn, tokens } = run;
  return createLanguageModel(
    {
      use: 'decoder-lm',
      vocab,
      layers,
      dim,
      heads,
      ffn,
      activation: 'relu',
      norm: 'pre',
      positions: 'learned',
      maxPositions: tokens,
      tieOutput: true,
      scaleEmbedding: false,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.02,
      attention: new Array(layers).fill({ use: attention.name }),
    },
    new Array(layers).fill(attention),
  );
}

function transpose({ shape, data }: HostTensor): HostTensor {
  const [rows, columns] = shape as [number, number];
  return {
    shape: [columns, rows],
    data: new Float32Array(data.length).map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!),
  };
}

/** The reference's tensor for a parameter of ours; its linear layers are stored [out, in]. */
function referenceTensor(name: string, tensors: Record<string, HostTensor>): HostTensor {
  if (name === 'embed.weight') return tensors.embed!;
  if (name === 'positions.weight') return tensors.pos!;
  const tensor = tensors[name.replace('.attention.', '.')]!;
  return tensor.shape.length === 2 && name.endsWith('.weight') ? transpose(tensor) : tensor;
}

/** Trains on an engine; returns the relative error of its loss at every step. */
export async function trajectoryErrors(
  engine: Engine,
  kind: TrajectoryKind,
  { form = { form: 'auto', chunk: 64 }, folder = 'goldens/training' }: TrajectoryOptions = {},
): Promise<number[]> {
  const file = fileIn(folder);
  const run: Trajectory = JSON.parse(await readFile(file(`${kind}.json`), 'utf8'));
  const { tensors } = await readTensors(file(`${kind}.safetensors`));
  const model = buildModel(kind, run, form);
  const names = model.parameters().map(({ name }) => name);
  const initial: Record<string, HostTensor> = {};
  for (const name of names) {
    const tensor = referenceTensor(name, tensors);
    initial[name] = tensor;
    initial[`m/${name}`] = { shape: tensor.shape, data: new Float32Array(tensor.data.length) };
    initial[`v/${name}`] = { shape: tensor.shape, data: new Float32Array(tensor.data.length) };
  }
  const variables = engine.variables(initial);
  const { batch, tokens, optimizer } = run;
  const {
    lr,
    betas: [beta1, beta2],
    eps,
  } = optimizer;
  const tokenSpec = { shape: [batch, tokens], dtype: 'int32' } as const;
  const program = await engine.compile({
    name: `${kind} trajectory`,
    inputs: { ids: tokenSpec, targets: tokenSpec, correction1: { shape: [] }, correction2: { shape: [] } },
    variables,
    program: ({ ids, targets, correction1, correction2 }, values) => {
      const lossOf = (...xs: tf.Tensor[]) =>
        model.loss(ids!, targets!, Object.fromEntries(names.map((name, i) => [name, xs[i]!]))) as tf.Scalar;
      const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => values[name]!));
      const updates: TensorMap = {};
      names.forEach((name, i) => {
        const g = grads[i]!;
        const m = tf.add(tf.mul(values[`m/${name}`]!, beta1), tf.mul(g, 1 - beta1));
        const v = tf.add(tf.mul(values[`v/${name}`]!, beta2), tf.mul(tf.square(g), 1 - beta2));
        const step = tf.div(tf.div(m, correction1!), tf.add(tf.sqrt(tf.div(v, correction2!)), eps));
        updates[name] = tf.sub(values[name]!, tf.mul(step, lr));
        updates[`m/${name}`] = m;
        updates[`v/${name}`] = v;
      });
      return { outputs: { loss: value }, updates };
    },
  });
  const losses: number[] = [];
  const sequences = tensors.batches!.data;
  for (let step = 0; step < run.losses.length; step++) {
    const ids = new Int32Array(batch * tokens);
    const targets = new Int32Array(batch * tokens);
    for (let row = 0; row < batch; row++) {
      const from = (step * batch + row) * (tokens + 1);
      ids.set(sequences.subarray(from, from + tokens), row * tokens);
      targets.set(sequences.subarray(from + 1, from + tokens + 1), row * tokens);
    }
    const correction = (beta: number) => Float32Array.of(1 - beta ** (step + 1));
    const feeds = { ids, targets, correction1: correction(beta1), correction2: correction(beta2) };
    losses.push((await program.run(feeds)).loss![0]!);
  }
  await program.dispose();
  variables.dispose();
  return losses.map((loss, step) => Math.abs(loss / run.losses[step]! - 1));
}
