import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../open.js';
import type { Program } from '../types.js';
import { traceProgram } from './trace.js';

const inputs = { x: { shape: [2, 6] } };
const operations = (program: Program) =>
  traceProgram({ name: 'reshapes', inputs, program }).graph.nodes.map(({ op }) => op);

describe('reshapes', () => {
  it('in a row are one, and none where the first shape comes back', () => {
    const there: Program = ({ x }) => ({
      outputs: { y: tf.add(tf.reshape(tf.reshape(x!, [12]), [3, 4]), 1) },
    });
    const back: Program = ({ x }) => ({ outputs: { y: tf.add(tf.reshape(tf.reshape(x!, [12]), [2, 6]), 1) } });
    expect(operations(there)).toEqual(['Reshape', 'Add']);
    expect(operations(back)).toEqual(['Add']);
  });

  it('come after what is done to each element', async () => {
    const program: Program = ({ x }) => ({ outputs: { y: tf.reshape(tf.relu(tf.reshape(x!, [12])), [3, 4]) } });
    expect(operations(program)).toEqual(['Relu', 'Reshape']);
    const engine = await openEngine('onnx');
    const compiled = await engine.compile({ name: 'reshapes', inputs, program });
    const x = Float32Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? i : -i));
    expect((await compiled.run({ x })).y).toEqual(x.map((value) => Math.max(value, 0)));
    await engine.dispose();
  });
});
