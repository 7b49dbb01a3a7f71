import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/graph.js';
import { runPassCase } from '../testing/pass-case.js';
import { cancelCasts } from './cancel-casts.js';
import { runPasses } from './run-passes.js';

const inputs = { x: { shape: [2, 3] }, n: { shape: [3], dtype: 'int32' as const } };

describe('cancelCasts', () => {
  it('joins casts of which the first loses nothing', async () => {
    const { before, after, nodes } = await runPassCase([cancelCasts], {
      inputs,
      program: ({ x }) => ({ outputs: { y: tf.cast(tf.cast(tf.greater(x!, 0.5), 'int32'), 'float32') } }),
    });
    expect(before).toEqual(['Greater', 'Cast', 'Cast']);
    expect(after).toEqual(['Greater', 'Cast']);
    expect(nodes.at(-1)!.attributes).toEqual({ to: 1 });
  });

  it('drops those that come back to the first type', async () => {
    const { after } = await runPassCase([cancelCasts], {
      inputs,
      program: ({ x }) => {
        const mask = tf.greater(x!, 0.5);
        return { outputs: { y: tf.where(tf.cast(tf.cast(mask, 'float32'), 'bool'), x!, tf.mul(x!, 2)) } };
      },
    });
    expect(after).toEqual(['Greater', 'Mul', 'Where']);
  });

  it('keeps those that round', async () => {
    const { before, after } = await runPassCase([cancelCasts], {
      inputs,
      program: ({ x, n }) => ({
        outputs: {
          y: tf.cast(tf.cast(tf.mul(x!, 3), 'int32'), 'float32'),
          z: tf.cast(tf.cast(n!, 'float32'), 'int32'),
        },
      }),
    });
    expect(after).toEqual(before);
  });

  it('drops a cast to the type that a value has', () => {
    const graph = new GraphBuilder();
    graph.input('x', 'float16', [2]);
    const same = graph.op('Cast', ['x'], { attributes: { to: 10 } });
    const wide = graph.op('Cast', [same], { attributes: { to: 1 } });
    graph.output(wide, 'float32', [2]);
    runPasses(graph, [cancelCasts]);
    expect(graph.nodes).toMatchObject([{ op: 'Cast', inputs: ['x'], attributes: { to: 1 } }]);
  });
});
