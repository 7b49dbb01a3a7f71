/**
 * For tests on the processor: products of halves compute in float32, on operands that have been rounded to halves, and their
 * results are rounded. ONNX Runtime widens them itself there, but then drops the casts on both sides, and with them the rounding.
 */
import { ELEMENT_TYPES } from '../onnx/graph.js';
import type { GraphPass } from './run-passes.js';

export const widenProducts: GraphPass = {
  name: 'widen-products',
  run: (editor) =>
    editor.changeNodes((node) => {
      const { op, domain, inputs, attributes, outputs } = node;
      const result = editor.type(outputs[0]!);
      if (!['Gemm', 'MatMul', 'FusedMatMul'].includes(op) || result?.type !== 'float16') return false;
      const wide = inputs.map((name) =>
        editor.insert(
          node,
          { op: 'Cast', inputs: [name], attributes: { to: ELEMENT_TYPES.float32 } },
          { type: 'float32', shape: editor.type(name)!.shape },
        ),
      );
      const product = editor.insert(
        node,
        { op, domain, inputs: wide, attributes },
        { type: 'float32', shape: result.shape },
      );
      editor.rewrite(node, { op: 'Cast', inputs: [product], attributes: { to: ELEMENT_TYPES.float16 } });
      return true;
    }),
};
