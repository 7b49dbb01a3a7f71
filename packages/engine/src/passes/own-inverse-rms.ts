/**
 * For the provider webgpu: the inverse root mean square, which gradients of RMS norm read, computed by nodes of its own. There the
 * second output of ONNX Runtime's SimplifiedLayerNormalization holds other numbers (1.30.0, measured).
 */
import type { GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

/** x [..., d] -> 1 / sqrt(mean(x^2) + epsilon) [..., 1] */
function compute(editor: GraphEditor, node: GraphNode): boolean {
  const inverse = node.outputs[1];
  if (inverse === undefined || editor.readers(inverse).size === 0) return false;
  const x = node.inputs[0]!;
  const [full, reduced] = [editor.type(x)!, editor.type(inverse)!];
  const { float: epsilon } = node.attributes.epsilon as { float: number };
  const square = editor.insert(node, { op: 'Mul', inputs: [x, x] }, full);
  const attributes = { axes: [-1], keepdims: 1 };
  const mean = editor.insert(node, { op: 'ReduceMean', inputs: [square], attributes }, reduced);
  const least = editor.addConstant('float32', [], Float32Array.of(epsilon));
  const sum = editor.insert(node, { op: 'Add', inputs: [mean, least] }, reduced);
  const root = editor.insert(node, { op: 'Sqrt', inputs: [sum] }, reduced);
  return editor.replace(inverse, editor.insert(node, { op: 'Reciprocal', inputs: [root] }, reduced));
}

export const ownInverseRms: GraphPass = {
  name: 'own-inverse-rms',
  run: (editor) => editor.changeNodes((node) => node.op === 'SimplifiedLayerNormalization' && compute(editor, node)),
};
