/**
 * Values and gradients of attention computed by PyTorch in float64 from the formulas themselves, one file a case.
 * The checks take an engine, so that every engine answers to the same numbers.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  type Attention,
  eluAttention,
  favorAttention,
  hedgehogAttention,
  type LinearForm,
  randomFeatureAttention,
  softmaxAttention,
  t2rMlpAttention,
} from '@t2r/attention';
import type { Engine, HostTensor, TensorMap } from '@t2r/engine';
import { readTensors } from '@t2r/zoo';
import * as tf from '@tensorflow/tfjs-core';
import { relativeNorm } from './compare.js';

const folder = new URL('../fixtures/goldens/attention/', import.meta.url);

/** The attentions that the files hold, by the names they have there. */
export type GoldenKind = 'softmax' | 't2r' | 'elu' | 'rfa' | 'favor' | 'hedgehog';

export interface GoldenCase {
  file: string;
  batch: number;
  heads: number;
  queries: number;
  keys: number;
  head_dim: number;
  features: number;
  causal: boolean;
  /** Lower bound of the denominator. */
  epsilon: Record<Exclude<GoldenKind, 'softmax'>, number>;
}

export async function goldenCases(): Promise<GoldenCase[]> {
  return JSON.parse(await readFile(new URL('cases.json', folder), 'utf8'));
}

/** The attention of a golden; random projections are the file's own. */
function createAttention(kind: GoldenKind, golden: GoldenCase, omega: HostTensor, form: LinearForm): Attention {
  if (kind === 'softmax') return softmaxAttention();
  const { features } = golden;
  const linear = { epsilon: golden.epsilon[kind], form, chunk: 16 };
  const drawn = { redraw: false, pool: 1, seed: 0 };
  const projections = {
    draw: () => tf.tensor(omega.data, [...omega.shape]),
    fixed: () => omega.data as Float32Array,
  };
  switch (kind) {
    case 't2r':
      return t2rMlpAttention({ features, activation: 'relu', bias: true, ...linear });
    case 'elu':
      return eluAttention(linear);
    case 'rfa': {
      const options = { features: 2 * features, normalize: true, learnedScale: false, gate: 'none' as const };
      return randomFeatureAttention({ ...options, ...drawn, ...linear }, projections);
    }
    case 'favor':
      return favorAttention({ features, orthogonal: false, ...drawn, ...linear }, projections);
    case 'hedgehog': {
      const map = { bias: true, init: 'identity' as const, shared: true, scale: 'none' as const };
      return hedgehogAttention({ features: 2 * features, ...map, ...linear });
    }
  }
}

/** Computes a variant's output and all gradients of sum(y * dy) on an engine. Keys are the goldens': y, dq, dk, ... */
async function evaluate(
  engine: Engine,
  attention: Attention,
  tensors: Record<string, HostTensor>,
  causal: boolean,
  names: string[],
) {
  const { dy, key_mask: mask } = tensors as { dy: HostTensor; key_mask: HostTensor };
  const given: Record<string, HostTensor> = { ...Object.fromEntries(names.map((n) => [n, tensors[n]!])), dy, mask };
  const program = await engine.compile({
    name: `${attention.name} golden`,
    inputs: Object.fromEntries(Object.entries(given).map(([name, { shape }]) => [name, { shape }])),
    program: (inputs) => {
      const forward = (...xs: tf.Tensor[]) => {
        const x = Object.fromEntries(names.map((name, i) => [name, xs[i]!])) as TensorMap;
        const parameters: TensorMap = names.includes('w') ? { 'phi.weight': x.w!, 'phi.bias': x.b! } : {};
        // Causal cases have no padding; leaving the mask out takes the path that language models take.
        const keyMask = causal ? undefined : inputs.mask;
        return attention.parallel(x.q!, x.k!, x.v!, parameters, { causal, keyMask });
      };
      const xs = names.map((name) => inputs[name]!);
      const gradients = tf.grads(forward)(xs, inputs.dy);
      return { outputs: { y: forward(...xs), ...Object.fromEntries(names.map((n, i) => [`d${n}`, gradients[i]!])) } };
    },
  });
  try {
    return await program.run(Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data])));
  } finally {
    await program.dispose();
  }
}

/** Largest relative error (norm of the difference over norm of the reference) over a case's tensors, with its name. */
export async function goldenError(engine: Engine, golden: GoldenCase, kind: GoldenKind, form: LinearForm) {
  const { tensors } = await readTensors(fileURLToPath(new URL(golden.file, folder)));
  const attention = createAttention(kind, golden, tensors.omega!, form);
  const names = ['q', 'k', 'v', 'w', 'b'].filter((name) => tensors[`${kind}.d${name}`] !== undefined);
  const actual = await evaluate(engine, attention, tensors, golden.causal, names);
  const errors = Object.entries(actual).map(([name, data]) => ({
    tensor: name,
    error: relativeNorm(data, tensors[`${kind}.${name}`]!.data),
  }));
  return errors.reduce((worst, next) => (next.error > worst.error ? next : worst));
}
