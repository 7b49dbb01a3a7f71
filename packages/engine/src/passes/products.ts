/** Matrix products in a graph, and in what type they compute. */
import { ELEMENT_TYPES, type ElementType, type GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';

/** Products with batch axes that broadcast. */
export const BATCH_PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'FusedMatMul']);

/** All products; the first two inputs are the matrices. */
export const PRODUCTS: ReadonlySet<string> = new Set([...BATCH_PRODUCTS, 'Gemm']);

/** Lets a product compute in another type: casts its inputs to it, and its result back to the type that it has. */
export function computeIn(editor: GraphEditor, product: GraphNode, type: ElementType): void {
  const { op, domain, inputs, attributes, outputs } = product;
  const result = editor.type(outputs[0]!)!;
  const cast = (name: string) =>
    editor.insert(
      product,
      { op: 'Cast', inputs: [name], attributes: { to: ELEMENT_TYPES[type] } },
      { type, shape: editor.type(name)!.shape },
    );
  const action = { op, domain, inputs: inputs.map(cast), attributes };
  const value = editor.insert(product, action, { type, shape: result.shape });
  editor.rewrite(product, { op: 'Cast', inputs: [value], attributes: { to: ELEMENT_TYPES[result.type] } });
}
