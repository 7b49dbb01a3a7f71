/**
 * Products of matrices in half precision: operands are cast to float16 and results back to float32, as in mixed-precision
 * training (Micikevicius et al. 2018, arXiv 1710.03740). Everything else stays float32: reductions, and so products with a
 * constant of equal numbers, by which programs write sums; norms, softmax, losses, and what is added to parameters.
 */
import type { GraphNode } from '../onnx/graph.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import { computeIn, PRODUCTS } from './products.js';
import type { GraphPass } from './run-passes.js';

function isSum(editor: GraphEditor, { inputs }: GraphNode): boolean {
  return inputs.slice(0, 2).some((name) => uniformNumber(editor.constant(name)) !== undefined);
}

/** @returns whether a product has become one of halves */
function halve(editor: GraphEditor, node: GraphNode): boolean {
  const types = [...node.inputs, node.outputs[0]!].map((name) => editor.type(name)?.type);
  if (!PRODUCTS.has(node.op) || types.some((type) => type !== 'float32') || isSum(editor, node)) return false;
  computeIn(editor, node, 'float16');
  return true;
}

export const halfProducts: GraphPass = {
  name: 'half-products',
  run: (editor) => editor.changeNodes((node) => halve(editor, node)),
};
