import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { linear } from '../ops/linear.js';
import { runPassCase } from '../testing/pass-case.js';
import { foldTransposes } from './fold-transposes.js';

const inputs = {
  a: { shape: [3, 2] },
  b: { shape: [4, 3] },
  bias: { shape: [4] },
  c: { shape: [2, 5, 3] },
  d: { shape: [2, 4, 3] },
  one: { shape: [2, 1, 3] },
};

describe('foldTransposes', () => {
  it('lets Gemm read matrices as they lie', async () => {
    const { after, nodes } = await runPassCase([foldTransposes], {
      inputs,
      program: ({ a, b, bias }) => ({
        outputs: {
          y: tf.matMul(tf.transpose(a!), tf.transpose(b!)),
          z: linear(tf.transpose(a!), tf.transpose(b!), bias!),
        },
      }),
    });
    expect(after).toEqual(['Gemm', 'Gemm']);
    for (const { attributes } of nodes) expect(attributes).toMatchObject({ transA: 1, transB: 1 });
  });

  it('undoes a transpose that a product asks for itself', async () => {
    const { nodes } = await runPassCase([foldTransposes], {
      inputs,
      program: ({ a, b }) => ({
        outputs: { y: tf.matMul(tf.transpose(a!), tf.transpose(tf.transpose(b!)), false, true) },
      }),
    });
    expect(nodes).toMatchObject([{ op: 'Gemm', attributes: { transA: 1, transB: 1 } }]);
  });

  it('makes FusedMatMul of products of several matrices', async () => {
    const { after, nodes } = await runPassCase([foldTransposes], {
      inputs,
      program: ({ c, d }) => ({ outputs: { y: tf.matMul(c!, tf.transpose(d!, [0, 2, 1])) } }),
    });
    expect(after).toEqual(['FusedMatMul']);
    expect(nodes[0]!.attributes).toEqual({ transA: 0, transB: 1 });
  });

  it('joins transposes, drops those that come back, and reshapes where only axes of length one move', async () => {
    const { nodes } = await runPassCase([foldTransposes], {
      inputs,
      program: ({ c, one }) => ({
        outputs: {
          joined: tf.transpose(tf.transpose(c!, [1, 0, 2]), [1, 2, 0]),
          back: tf.exp(tf.transpose(tf.transpose(c!, [1, 2, 0]), [2, 0, 1])),
          moved: tf.transpose(one!, [1, 0, 2]),
        },
      }),
    });
    expect(nodes.map(({ op }) => op)).toEqual(['Transpose', 'Exp', 'Reshape']);
    expect(nodes[0]!.attributes).toEqual({ perm: [0, 2, 1] });
  });

  it('keeps transposes that move other axes', async () => {
    const { before, after } = await runPassCase([foldTransposes], {
      inputs,
      program: ({ c }) => ({ outputs: { y: tf.matMul(tf.transpose(c!, [1, 0, 2]), tf.transpose(c!, [1, 2, 0])) } }),
    });
    expect(after).toEqual(before);
  });
});
