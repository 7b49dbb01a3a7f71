import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { shareEqualNodes } from './share-equal-nodes.js';

const inputs = { x: { shape: [2, 3] } };

describe('shareEqualNodes', () => {
  it('computes equal expressions once, and what is equal only then', async () => {
    const { before, after } = await runPassCase([shareEqualNodes], {
      inputs,
      program: ({ x }) => ({ outputs: { y: tf.mul(tf.sin(tf.exp(x!)), tf.add(tf.sin(tf.exp(x!)), 1)) } }),
    });
    expect(before).toEqual(['Exp', 'Sin', 'Exp', 'Sin', 'Add', 'Mul']);
    expect(after).toEqual(['Exp', 'Sin', 'Add', 'Mul']);
  });

  it('tells attributes and operands apart', async () => {
    const { after } = await runPassCase([shareEqualNodes], {
      inputs,
      program: ({ x }) => ({
        outputs: { y: tf.add(tf.sum(tf.concat([x!, x!], 0)), tf.sum(tf.concat([x!, x!], 1))), z: tf.sub(1, x!) },
      }),
    });
    expect(after.filter((op) => op === 'Concat')).toHaveLength(2);
  });

  it('leaves each output a node and a name of its own', async () => {
    const { nodes } = await runPassCase([shareEqualNodes], {
      inputs,
      program: ({ x }) => ({ outputs: { a: tf.exp(x!), b: tf.exp(x!), c: tf.exp(x!), same: x!, again: x! } }),
    });
    const names = nodes.flatMap(({ outputs }) => outputs);
    expect(names.sort()).toEqual(['output.a', 'output.again', 'output.b', 'output.c', 'output.same']);
  });

  it('lets the first of two equal nodes make the output', async () => {
    const { nodes, after } = await runPassCase([shareEqualNodes], {
      inputs,
      program: ({ x }) => {
        const first = tf.exp(x!);
        return { outputs: { y: tf.sin(first), z: tf.exp(x!) } };
      },
    });
    expect(after).toEqual(['Exp', 'Sin']);
    expect(nodes.map(({ outputs }) => outputs[0])).toEqual(['output.z', 'output.y']);
  });
});
