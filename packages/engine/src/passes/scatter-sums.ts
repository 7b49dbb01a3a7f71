/**
 * The sum of a tensor with rows scattered into zeros: rows scattered into the tensor. The gradient of a table that is looked up
 * in and multiplied by (tied output) then costs no table of zeros and no sum of two tables.
 */
import type { GraphNode } from '../onnx/graph.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';
import { sameShapeOf } from './value-types.js';

/** The node that scatters into zeros for this sum alone. */
function scatterOf(editor: GraphEditor, value: string): Readonly<GraphNode> | undefined {
  const scatter = editor.made(value, 'ScatterElements');
  if (scatter?.attributes.reduction !== 'add' || editor.readers(value).size > 1 || editor.isOutput(value))
    return undefined;
  const zeros = editor.made(scatter.inputs[0], 'Expand');
  return zeros !== undefined && uniformNumber(editor.constant(zeros.inputs[0]!)) === 0 ? scatter : undefined;
}

/** @returns whether the sum has become a scatter */
function scatterInto(editor: GraphEditor, node: GraphNode): boolean {
  const [left, right] = node.inputs as [string, string];
  if (left === right || !sameShapeOf(editor, left, right)) return false;
  for (const [sum, rows] of [
    [left, right],
    [right, left],
  ] as const) {
    const scatter = scatterOf(editor, rows);
    if (scatter === undefined) continue;
    const { op, inputs, attributes } = scatter;
    editor.rewrite(node, { op, attributes, inputs: [sum, ...inputs.slice(1)] });
    return true;
  }
  return false;
}

export const scatterSums: GraphPass = {
  name: 'scatter-sums',
  run: (editor) => editor.changeNodes((node) => node.op === 'Add' && scatterInto(editor, node)),
};
