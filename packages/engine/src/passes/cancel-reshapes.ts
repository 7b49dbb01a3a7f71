/**
 * Reshapes in a row are one, and none where the first shape comes back. Operations on single elements move in front of them, so
 * that reshapes meet, and so that the runtime can make one node of a product and the activation after it.
 */
import type { GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';
import { sameShapeOf } from './value-types.js';

/** Operations with one input on each element by itself. */
const UNARY = new Set(
  (
    'Abs Cast Ceil Cos Elu Erf Exp Floor Log Neg Not Reciprocal Relu Round Sigmoid Sign Sin Softplus Sqrt Tan Tanh ' +
    'FastGelu Gelu QuickGelu'
  ).split(' '),
);

/** @returns whether the reshape has been changed */
function join(editor: GraphEditor, node: GraphNode): boolean {
  const [x] = node.inputs as [string];
  if (sameShapeOf(editor, x, node.outputs[0]!)) return editor.bypass(node, x);
  const inner = editor.made(x, 'Reshape');
  const type = editor.type(node.outputs[0]!);
  if (inner === undefined || type === undefined) return false;
  // The shape in numbers: -1 and 0 would refer to what is reshaped.
  editor.rewrite(node, { op: 'Reshape', inputs: [inner.inputs[0]!, editor.addInt64(type.shape)] });
  return true;
}

/** Lets an operation read what was reshaped, and reshapes its result. @returns whether it reads a reshaped value */
function moveForward(editor: GraphEditor, node: GraphNode): boolean {
  const reshape = editor.made(node.inputs[0], 'Reshape');
  const [result] = node.outputs as [string];
  const type = editor.type(result);
  if (reshape === undefined || type === undefined) return false;
  const [x] = reshape.inputs as [string];
  const given = editor.type(x);
  if (given === undefined) return false;
  const { op, domain, attributes } = node;
  const value = editor.insert(node, { op, domain, attributes, inputs: [x] }, { type: type.type, shape: given.shape });
  editor.rewrite(node, { op: 'Reshape', inputs: [value, editor.addInt64(type.shape)] });
  return true;
}

export const cancelReshapes: GraphPass = {
  name: 'cancel-reshapes',
  run: (editor) =>
    editor.changeNodes((node) => {
      if (node.op === 'Reshape') return join(editor, node);
      return UNARY.has(node.op) && node.inputs.length === 1 && moveForward(editor, node);
    }),
};
