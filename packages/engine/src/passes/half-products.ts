/**
 * Products of matrices in half precision: operands are cast to float16 and results back to float32, as in mixed-precision
 * training (Micikevicius et al. 2018, arXiv 1710.03740). Everything else stays float32: reductions, and so products with a
 * constant of equal numbers, by which programs write sums; norms, softmax, losses, and what is added to parameters.
 */
import { ELEMENT_TYPES, type GraphNode } from '../onnx/graph.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

const PRODUCTS = new Set(['Gemm', 'MatMul', 'FusedMatMul']);

function isSum(editor: GraphEditor, { inputs }: GraphNode): boolean {
  return inputs.slice(0, 2).some((name) => uniformNumber(editor.constant(name)) !== undefined);
}

/** @returns whether a product has become one of halves */
function halve(editor: GraphEditor, node: GraphNode): boolean {
  const { op, domain, inputs, attributes, outputs } = node;
  const result = editor.type(outputs[0]!);
  const types = inputs.map((name) => editor.type(name));
  if (!PRODUCTS.has(op) || result === undefined || types.some((type) => type?.type !== 'float32')) return false;
  if (isSum(editor, node)) return false;
  const halves = inputs.map((name, i) =>
    editor.insert(
      node,
      { op: 'Cast', inputs: [name], attributes: { to: ELEMENT_TYPES.float16 } },
      { type: 'float16', shape: types[i]!.shape },
    ),
  );
  const product = editor.insert(
    node,
    { op, domain, inputs: halves, attributes },
    { type: 'float16', shape: result.shape },
  );
  editor.rewrite(node, { op: 'Cast', inputs: [product], attributes: { to: ELEMENT_TYPES.float32 } });
  return true;
}

export const halfProducts: GraphPass = {
  name: 'half-products',
  run: (editor) => editor.changeNodes((node) => halve(editor, node)),
};
