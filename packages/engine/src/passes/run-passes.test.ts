import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/graph.js';
import { openEngine } from '../open.js';
import { runPassCase } from '../testing/pass-case.js';
import { PASSES } from './passes.js';
import { type GraphPass, runPasses } from './run-passes.js';

function graphOf(op: string): GraphBuilder {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', [2]);
  graph.output(graph.op(op, ['x']), 'float32', [2]);
  return graph;
}

/** Changes one operation to another. */
const change = (from: string, to: string): GraphPass => ({
  name: `${from}-to-${to}`,
  run: (editor) =>
    editor.changeNodes((node) => {
      if (node.op !== from) return false;
      editor.rewrite(node, { op: to, inputs: node.inputs });
      return true;
    }),
});

describe('runPasses', () => {
  it('goes on until nothing changes, whatever the order', () => {
    const graph = graphOf('Exp');
    expect(runPasses(graph, [change('Sin', 'Cos'), change('Exp', 'Sin')])).toEqual({
      'Sin-to-Cos': 1,
      'Exp-to-Sin': 1,
    });
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Cos']);
  });

  it('refuses passes that undo each other by name', () => {
    expect(() => runPasses(graphOf('Exp'), [change('Exp', 'Sin'), change('Sin', 'Exp')])).toThrow(
      /not settled after 100 rounds; changes: Exp-to-Sin 100, Sin-to-Exp 100/,
    );
  });

  it('a pass of one more finds what the others leave', async () => {
    const { after, changes } = await runPassCase(PASSES, {
      inputs: { x: { shape: [2, 3] } },
      program: ({ x }) => {
        // Powers that become products, reshapes that cancel, and equal nodes only then.
        const square = tf.pow(tf.reshape(tf.reshape(x!, [6]), [2, 3]), 2);
        return { outputs: { y: tf.add(square, tf.mul(tf.square(x!), 1)) } };
      },
    });
    expect(after).toEqual(['Mul', 'Add']);
    expect(changes).toMatchObject({ 'share-equal-nodes': 1, 'rewrite-powers': 1, 'neutral-elements': 1 });
  });

  it('an engine takes a list of its own', async () => {
    const engine = await openEngine('onnx', { passes: [...PASSES, change('Exp', 'Sin')] });
    const program = await engine.compile({
      name: 'own',
      inputs: { x: { shape: [2] } },
      program: ({ x }) => ({ outputs: { y: tf.exp(x!) } }),
    });
    expect((await program.run({ x: Float32Array.of(0, 1) })).y).toEqual(Float32Array.of(0, Math.fround(Math.sin(1))));
    await engine.dispose();
  });
});
