import { createRandom } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../open.js';
import { linear } from '../ops/linear.js';
import { float16Bits } from '../quantize/float16.js';
import { largestError } from '../testing/compare.js';
import { runPassCase } from '../testing/pass-case.js';
import type { HostArray, Program } from '../types.js';
import { halfProducts } from './half-products.js';
import { PASSES } from './passes.js';

const inputs = { x: { shape: [4, 8] }, w: { shape: [8, 6] }, bias: { shape: [6] }, many: { shape: [2, 3, 8] } };

/** What the nearest half of a number is. */
function rounded(x: number): number {
  const bits = float16Bits(Float32Array.of(x))[0]!;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  return (bits >> 15 ? -1 : 1) * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

describe('halfProducts', () => {
  it('puts casts around products, and leaves sums and everything else as they are', async () => {
    const { after, changes } = await runPassCase([halfProducts], {
      inputs,
      program: ({ x, w, bias }) => ({
        outputs: {
          y: tf.softmax(linear(x!, w!, bias!)),
          sums: tf.matMul(tf.ones([1, 4]), x as tf.Tensor2D),
        },
      }),
      tolerance: 2e-3,
      change: 2e-3,
    });
    expect(after).toEqual(['Cast', 'Cast', 'Cast', 'Gemm', 'Cast', 'Softmax', 'Gemm']);
    expect(changes).toEqual({ 'half-products': 1 });
  });

  it('with the other passes: a value is cast once, and a result that only another product reads stays a half', async () => {
    const { after } = await runPassCase([...PASSES, halfProducts], {
      inputs,
      program: ({ many, w }) => {
        const rows = tf.reshape(many!, [6, 8]);
        const product = tf.matMul(rows as tf.Tensor2D, w as tf.Tensor2D); // [6, 6]
        const again = tf.matMul(tf.reshape(product, [2, 3, 6]), tf.reshape(w!, [1, 6, 8]));
        return { outputs: { again } };
      },
      tolerance: 4e-3,
      change: 4e-3,
    });
    const casts = after.filter((op) => op === 'Cast');
    // many and w to halves, the last product back; nothing in between.
    expect(casts).toHaveLength(3);
  });

  it('computes with the halves of its operands', async () => {
    const engine = await openEngine('onnx', { threads: 1, halvesOnCpu: true });
    const program: Program = ({ x, w }) => ({ outputs: { y: tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D) } });
    const specs = { x: { shape: [1, 1] }, w: { shape: [1, 2] } };
    const compiled = await engine.compile({ name: 'halves', inputs: specs, precision: 'float16', program });
    const [a, b] = [1 / 3, Math.PI];
    const { y } = await compiled.run({ x: Float32Array.of(a), w: Float32Array.of(b, 2e5) });
    expect(y![0]).toBe(rounded(rounded(a) * rounded(b)));
    expect(y![1]).toBe(Number.POSITIVE_INFINITY);
    await engine.dispose();
  });

  it('gradients agree with those in float32 within the precision of halves', async () => {
    const random = createRandom(1, 'halves');
    const draw = (length: number) => Float32Array.from({ length }, () => 2 * random.uniform() - 1);
    const feeds = { x: draw(32), w: draw(48), bias: draw(6), many: draw(48) };
    const results: Record<string, HostArray>[] = [];
    for (const precision of ['float32', 'float16'] as const) {
      const engine = await openEngine('onnx', { threads: 1, halvesOnCpu: true });
      const compiled = await engine.compile({
        name: 'gradients',
        inputs,
        precision,
        program: ({ x, w, bias, many }) => {
          const loss = (matrix: tf.Tensor, row: tf.Tensor) =>
            tf.add(
              tf.mean(tf.square(linear(x!, matrix, row))),
              tf.mean(tf.square(linear(many!, matrix, row))),
            ) as tf.Scalar;
          const { value, grads } = tf.valueAndGrads(loss)([w!, bias!]);
          return { outputs: { value, w: grads[0]!, bias: grads[1]! } };
        },
      });
      results.push(await compiled.run(feeds));
      await engine.dispose();
    }
    const [single, half] = results as [Record<string, HostArray>, Record<string, HostArray>];
    const error = largestError(half, single);
    expect(error).toBeLessThan(2e-3);
    expect(error).toBeGreaterThan(1e-5);
  });

  it('is refused where products are float32', async () => {
    const options = {
      name: 'refused',
      inputs: {},
      precision: 'float16' as const,
      program: () => ({ outputs: { y: tf.scalar(1) } }),
    };
    const onnx = await openEngine('onnx');
    await expect(onnx.compile(options)).rejects.toThrow(/provider 'cpu' computes products in float32/);
    await onnx.dispose();
    await expect((await openEngine('cpu')).compile(options)).rejects.toThrow(/computes products in float32/);
  });
});
