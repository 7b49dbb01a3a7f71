import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from './graph.js';
import { encodeModel } from './model-file.js';
import { runUncopied, withUnreadOutput } from './uncopied.js';

/** table [3] looked up at ids [2], and the same doubled. */
function lookUps(): GraphBuilder {
  const graph = new GraphBuilder();
  graph.input('table', 'float32', [3]);
  graph.input('ids', 'int32', [2]);
  const rows = graph.op('Gather', ['table', 'ids']);
  const twice = graph.op('Add', [rows, rows]);
  graph.output(rows, 'float32', [2]);
  graph.output(twice, 'float32', [2]);
  return graph;
}

async function open(graph: GraphBuilder) {
  const model = encodeModel(withUnreadOutput(graph), { name: 'look-ups' });
  return ort.InferenceSession.create(model, { logSeverityLevel: 4 });
}

const table = new ort.Tensor('float32', Float32Array.of(10, 20, 30), [3]);
const ids = (...values: number[]) => new ort.Tensor('int32', Int32Array.from(values), [values.length]);

/** Arrays that a run is to write, by the names of the outputs. */
function targets(graph: GraphBuilder) {
  const arrays = graph.outputs.map(() => new Float32Array(2).fill(-1));
  const fetches = Object.fromEntries(
    graph.outputs.map(({ name }, i) => [name, new ort.Tensor('float32', arrays[i]!, [2])]),
  );
  return { arrays, fetches };
}

describe('runUncopied', () => {
  it("writes all outputs into the caller's arrays, run after run", async () => {
    const graph = lookUps();
    const session = await open(graph);
    const { arrays, fetches } = targets(graph);
    await runUncopied(session, { table, ids: ids(2, 0) }, fetches);
    expect(arrays).toEqual([Float32Array.of(30, 10), Float32Array.of(60, 20)]);
    await runUncopied(session, { table, ids: ids(1, 1) }, fetches);
    expect(arrays).toEqual([Float32Array.of(20, 20), Float32Array.of(40, 40)]);
    await session.release();
  });

  it('rejects where the runtime does: in a node, for a wrong shape and for a missing input', async () => {
    const graph = lookUps();
    const session = await open(graph);
    const { arrays, fetches } = targets(graph);
    await expect(runUncopied(session, { table, ids: ids(0, 3) }, fetches)).rejects.toThrow(/out of data bounds/);
    await expect(runUncopied(session, { table, ids: ids(0, 1, 2) }, fetches)).rejects.toThrow(/ids/);
    await expect(runUncopied(session, { table }, fetches)).rejects.toThrow(/ids/);
    // The session is none the worse for it.
    await runUncopied(session, { table, ids: ids(0, 1) }, fetches);
    expect(arrays[0]).toEqual(Float32Array.of(10, 20));
    await session.release();
  });
});

describe('withUnreadOutput', () => {
  it('leaves the given graph as it is, and its outputs in order after the new one', () => {
    const graph = lookUps();
    const before = JSON.stringify([graph.nodes, graph.initializers, graph.outputs]);
    const { outputs, inputs } = withUnreadOutput(graph);
    expect(JSON.stringify([graph.nodes, graph.initializers, graph.outputs])).toBe(before);
    expect(outputs.slice(1)).toEqual(graph.outputs);
    expect(inputs).toBe(graph.inputs);
  });
});
