/**
 * For the provider cpu: a scatter of many rows becomes one after the other of some of them. ONNX Runtime's ScatterElements makes a vector of
 * 64-bit indices of all its updates in each run; one of some megabytes does not stay in a cache and goes back to the system
 * every time, and clearing its pages can take longer than the sums (measured).
 */
import type { GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

/** Most updates of one scatter: half a megabyte of indices. */
const UPDATES = 1 << 16;

/** Rows `from` .. `to` - 1 of a matrix. */
function rowsOf(editor: GraphEditor, before: GraphNode, value: string, from: number, to: number): string {
  const bounds = [[from], [to], [0]].map((values) => editor.addInt64(values));
  return editor.insert(before, { op: 'Slice', inputs: [value, ...bounds] });
}

/** data [v, d], indices [n, d], each row the same number, updates [n, d]. @returns whether the scatter has been split */
function split(editor: GraphEditor, node: GraphNode): boolean {
  const { op, inputs, attributes, outputs } = node;
  const [data, indices, updates] = inputs as [string, string, string];
  const column = editor.made(indices, 'Expand')?.inputs[0]; // [n, 1]
  const [from, shape] = [column && editor.type(column)?.shape, editor.type(indices)?.shape];
  if (attributes.reduction !== 'add' || attributes.axis !== 0 || from?.[1] !== 1 || shape?.length !== 2) return false;
  const [rows, width] = shape as [number, number];
  const count = Math.ceil((rows * width) / UPDATES);
  const each = Math.ceil(rows / count);
  if (count === 1 || each === rows) return false;
  const type = editor.type(outputs[0]!);
  let sums = data;
  for (let start = 0; start < rows; start += each) {
    const to = Math.min(rows, start + each);
    const own = rowsOf(editor, node, column!, start, to);
    const repeated = editor.insert(node, { op: 'Expand', inputs: [own, editor.addInt64([to - start, width])] });
    const action = { op, inputs: [sums, repeated, rowsOf(editor, node, updates, start, to)], attributes };
    if (to === rows) editor.rewrite(node, action);
    else sums = editor.insert(node, action, type);
  }
  return true;
}

export const splitScatters: GraphPass = {
  name: 'split-scatters',
  run: (editor) => editor.changeNodes((node) => node.op === 'ScatterElements' && split(editor, node)),
};
