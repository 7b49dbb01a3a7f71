import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../onnx/graph.js';
import { GraphEditor } from './graph-editor.js';

/** x -> Exp -> Sin -> y, and a second output beside it where asked. */
function chain(outputs: 'y' | 'both' = 'y') {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', [2]);
  const exp = graph.op('Exp', ['x']);
  const sin = graph.op('Sin', [exp]);
  if (outputs === 'both') graph.output(exp, 'float32', [2]);
  graph.output(sin, 'float32', [2]);
  return { graph, exp, sin };
}

const operations = (graph: GraphBuilder) => graph.nodes.map(({ op }) => op);

describe('GraphEditor', () => {
  it('drops nodes that no output needs, and what is computed for them', () => {
    const { graph, exp } = chain();
    graph.op('Cos', [graph.op('Neg', [exp])]);
    const editor = new GraphEditor(graph);
    expect(editor.dropDead()).toBe(2);
    expect(operations(graph)).toEqual(['Exp', 'Sin']);
    expect(editor.readers(exp).size).toBe(1);
  });

  it('keeps a node of which one output is needed', () => {
    const graph = new GraphBuilder();
    graph.input('x', 'float32', [2]);
    const [first] = graph.node('Split', ['x', graph.int64([1, 1])], { outputs: 2 });
    graph.output(first!, 'float32', [1]);
    expect(new GraphEditor(graph).dropDead()).toBe(0);
  });

  it('drops constants that no node reads, and stores one anew where it is wanted again', () => {
    const { graph } = chain();
    graph.int64([1, 2]);
    const editor = new GraphEditor(graph);
    editor.dropDead();
    expect(graph.initializers).toEqual([]);
    expect(editor.constant(editor.addInt64([1, 2]))).toBe(graph.initializers[0]);
  });

  it('no longer counts what has been replaced among the readers', () => {
    const { graph, exp, sin } = chain();
    const editor = new GraphEditor(graph);
    expect(editor.replace(exp, 'x')).toBe(true);
    expect([...editor.readers('x')].map(({ op }) => op)).toEqual(['Sin']);
    editor.dropDead();
    expect(graph.nodes).toMatchObject([{ op: 'Sin', inputs: ['x'], outputs: [sin] }]);
  });

  it('gives the name of an output to what replaces it', () => {
    const { graph, exp, sin } = chain();
    const editor = new GraphEditor(graph);
    expect(editor.replace(sin, exp)).toBe(true);
    editor.dropDead();
    expect(graph.nodes).toMatchObject([{ op: 'Exp', inputs: ['x'], outputs: [sin] }]);
    expect(editor.maker(sin)?.op).toBe('Exp');
  });

  it('does not give two outputs to one value, nor the name of one to an input', () => {
    const { graph, exp, sin } = chain('both');
    const editor = new GraphEditor(graph);
    expect(editor.replace(sin, exp)).toBe(false);
    expect(editor.replace(sin, 'x')).toBe(false);
    expect(editor.bypass(graph.nodes[1]!, exp)).toBe(true);
    expect(graph.nodes[1]).toMatchObject({ op: 'Identity', inputs: [exp], outputs: [sin] });
    expect(editor.bypass(graph.nodes[1]!, exp)).toBe(false);
  });

  it('inserts nodes in front of others', () => {
    const { graph, exp } = chain();
    const editor = new GraphEditor(graph);
    const sin = graph.nodes[1]!;
    const neg = editor.insert(sin, { op: 'Neg', inputs: [exp] }, { type: 'float32', shape: [2] });
    editor.rewrite(sin, { op: 'Add', inputs: [neg, exp] });
    expect(operations(graph)).toEqual(['Exp', 'Neg', 'Add']);
    expect(editor.type(neg)?.shape).toEqual([2]);
    expect(editor.readers(exp).size).toBe(2);
  });
});
