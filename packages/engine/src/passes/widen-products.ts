/**
 * For tests on the processor: products of halves compute in float32, on operands that have been rounded to halves, and their
 * results are rounded. ONNX Runtime widens them itself there, but then drops the casts on both sides, and with them the rounding.
 */
import { computeIn, PRODUCTS } from './products.js';
import type { GraphPass } from './run-passes.js';

export const widenProducts: GraphPass = {
  name: 'widen-products',
  run: (editor) =>
    editor.changeNodes((node) => {
      if (!PRODUCTS.has(node.op) || editor.type(node.outputs[0]!)?.type !== 'float16') return false;
      computeIn(editor, node, 'float32');
      return true;
    }),
};
