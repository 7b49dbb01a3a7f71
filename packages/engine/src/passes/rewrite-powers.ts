/**
 * Powers by a constant that a simpler node gives: x^2 = x x, x^(1/2) = sqrt(x), x^(-1/2) = 1 / sqrt(x), x^-1 = 1 / x. ONNX Runtime
 * has a short cut for 2 and 3 alone and otherwise calls the general power for each element. At -0 and -infinity roots and the
 * general power differ (sqrt(-0) is -0, (-0)^0.5 is 0), as they do between TensorFlow.js's own backends.
 */

import type { GraphNode } from '../onnx/graph.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';
import { sameShapeOf } from './value-types.js';

/** @returns whether the power has been rewritten */
function rewrite(editor: GraphEditor, node: GraphNode): boolean {
  const [x, exponent] = node.inputs as [string, string];
  const type = editor.type(x);
  if (type?.type !== 'float32') return false;
  if (editor.type(exponent)?.shape.length !== 0 && !sameShapeOf(editor, x, node.outputs[0]!)) return false;
  const power = uniformNumber(editor.constant(exponent));
  if (power === 2) editor.rewrite(node, { op: 'Mul', inputs: [x, x] });
  else if (power === 0.5) editor.rewrite(node, { op: 'Sqrt', inputs: [x] });
  else if (power === -0.5)
    editor.rewrite(node, { op: 'Reciprocal', inputs: [editor.insert(node, { op: 'Sqrt', inputs: [x] }, type)] });
  else if (power === -1) editor.rewrite(node, { op: 'Reciprocal', inputs: [x] });
  else return false;
  return true;
}

export const rewritePowers: GraphPass = {
  name: 'rewrite-powers',
  run: (editor) => editor.changeNodes((node) => node.op === 'Pow' && rewrite(editor, node)),
};
