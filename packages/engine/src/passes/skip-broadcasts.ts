/**
 * Values repeated along an axis (x + zeros, x * ones, Expand, Tile) for nodes that repeat their operands themselves: those read x.
 * TensorFlow.js wants equal batch axes for the gradient of a product, and programs write such sums for it.
 */
import type { GraphNode } from '../onnx/graph.js';
import { sameShape } from '../ops/shape.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import { BATCH_PRODUCTS } from './products.js';
import type { GraphPass } from './run-passes.js';
import { broadcastShape } from './value-types.js';

/** Nodes whose operands may have any shapes that broadcast. */
const ELEMENTWISE = new Set(
  'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Min Mul Or Pow Sub Sum Where'.split(' '),
);

/** True where a shape differs from another one of as many axes only where its own are of length one. */
function isBroadcast(from: readonly number[] | undefined, to: readonly number[] | undefined): boolean {
  if (from === undefined || to === undefined || from.length !== to.length) return false;
  return from.every((dim, axis) => dim === 1 || dim === to[axis]);
}

/** What a node repeats. */
function repeated(editor: GraphEditor, { op, inputs, outputs }: GraphNode): string | undefined {
  const [x, other] = inputs as [string, string];
  if (op === 'Expand') return x;
  // Axes that are not of length one are not repeated but tiled.
  if (op === 'Tile') return isBroadcast(editor.type(x)?.shape, editor.type(outputs[0]!)?.shape) ? x : undefined;
  const neutral = op === 'Add' ? 0 : op === 'Mul' ? 1 : undefined;
  if (neutral === undefined) return undefined;
  if (uniformNumber(editor.constant(other)) === neutral) return x;
  return uniformNumber(editor.constant(x)) === neutral ? other : undefined;
}

/** True where a reader's result has the same shape with `x` in the place of `value`. */
function mayRead(editor: GraphEditor, reader: GraphNode, value: string, x: string): boolean {
  const result = editor.type(reader.outputs[0]!)?.shape;
  const shapes = reader.inputs.map((name) => editor.type(name === value ? x : name)?.shape);
  if (result === undefined || shapes.some((shape) => shape === undefined)) return false;
  const known = shapes as (readonly number[])[];
  if (ELEMENTWISE.has(reader.op)) {
    const shape = broadcastShape(known);
    return shape !== undefined && sameShape(shape, result);
  }
  if (!BATCH_PRODUCTS.has(reader.op)) return false;
  const own = editor.type(value)!.shape;
  const given = editor.type(x)!.shape;
  // The matrices themselves must stay, and with them the axes that they are multiplied along.
  if (given.length < 2 || !sameShape(given.slice(-2), own.slice(-2))) return false;
  const batch = broadcastShape(known.map((shape) => shape.slice(0, -2)));
  return batch !== undefined && sameShape(batch, result.slice(0, -2));
}

/** @returns whether the node is no longer needed */
function skip(editor: GraphEditor, node: GraphNode): boolean {
  const x = repeated(editor, node);
  const [value] = node.outputs as [string];
  if (x === undefined || editor.isOutput(value) || editor.type(x) === undefined || editor.type(value) === undefined)
    return false;
  const readers = [...editor.readers(value)];
  if (readers.length === 0 || !readers.every((reader) => mayRead(editor, reader, value, x))) return false;
  return editor.replace(value, x);
}

export const skipBroadcasts: GraphPass = {
  name: 'skip-broadcasts',
  run: (editor) => editor.changeNodes((node) => skip(editor, node)),
};
