import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { traceProgram } from '../trace/trace.js';
import type { HostTensor } from '../types.js';
import { foldConstants } from './fold-constants.js';
import { PASSES } from './passes.js';
import { storeWeights } from './store-weights.js';

const numbers = (shape: number[], phase = 0): HostTensor => ({
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => 1.5 + Math.sin(i + phase)),
});

describe('foldConstants', () => {
  it('computes what is done with weights alone', async () => {
    const { before, after } = await runPassCase([foldConstants], {
      inputs: { x: { shape: [2, 3] } },
      constants: { q: numbers([3, 4]), k: numbers([3, 2], 1), row: numbers([4], 2), scale: numbers([3, 1], 3) },
      program: ({ x }, { q, k, row, scale }) => {
        const scaled = tf.div(tf.sub(tf.mul(q!, scale!), tf.add(row!, tf.neg(row!))), tf.sqrt(tf.abs(row!)));
        const joined = tf.concat([scaled, k!, tf.reshape(tf.transpose(k!), [3, 2])], 1); // [3, 8]
        return { outputs: { y: tf.matMul(x as tf.Tensor2D, joined as tf.Tensor2D) } };
      },
    });
    expect(before.length).toBe(11);
    expect(after).toEqual(['Gemm']);
  });

  it('keeps products, outputs and what would only grow', async () => {
    const { before, after } = await runPassCase([foldConstants], {
      inputs: { x: { shape: [1] } },
      constants: { w: numbers([3, 3]), long: numbers([2000]) },
      program: ({ x }, { w, long }) => ({
        outputs: {
          product: tf.add(tf.matMul(w as tf.Tensor2D, w as tf.Tensor2D), x!),
          output: tf.neg(w!),
          // Stored once, and read as it is too.
          twice: tf.add(tf.add(tf.neg(long!), long!), x!),
        },
      }),
    });
    expect(after).toEqual(before);
  });

  it('lets matrices side by side be stored in fewer bits', () => {
    const trace = (passes: typeof PASSES) => {
      const { graph } = traceProgram(
        {
          name: 'packed',
          inputs: { x: { shape: [2, 64] } },
          constants: { q: numbers([64, 64]), k: numbers([64, 64], 1) },
          program: ({ x }, { q, k }) => ({
            outputs: { y: tf.matMul(x as tf.Tensor2D, tf.concat([q!, k!], 1) as tf.Tensor2D) },
          }),
        },
        passes,
      );
      storeWeights(graph, 'int8');
      return graph.nodes.map(({ op }) => op);
    };
    expect(trace([])).toEqual(['Concat', 'Gemm']);
    expect(trace(PASSES)).toEqual(['MatMulNBits']);
  });
});
