/**
 * Casts that do nothing: to the type that a value has, and one after another where the first has lost nothing (bool to int32 to
 * float32 is bool to float32; int32 to int64 to int32 is none).
 */
import { ELEMENT_TYPES, type ElementType, type GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

/** Types that hold every value of a type, and tell its zero from its other values. */
const LOSSLESS: Readonly<Record<ElementType, readonly ElementType[]>> = {
  bool: ['uint8', 'int32', 'int64', 'float16', 'float32'],
  uint8: ['int32', 'int64', 'float16', 'float32'],
  int32: ['int64'],
  int64: [],
  float16: ['float32'],
  float32: [],
};

const TYPES = new Map(Object.entries(ELEMENT_TYPES).map(([type, code]): [number, string] => [code, type]));

const target = ({ attributes }: Readonly<GraphNode>): ElementType => TYPES.get(attributes.to as number) as ElementType;

/** @returns whether the cast has been changed */
function cancel(editor: GraphEditor, node: GraphNode): boolean {
  const [x] = node.inputs as [string];
  if (editor.type(x)?.type === target(node)) return editor.bypass(node, x);
  const inner = editor.made(x, 'Cast');
  if (inner === undefined) return false;
  const source = editor.type(inner.inputs[0]!)?.type;
  if (source === undefined || !LOSSLESS[source].includes(target(inner))) return false;
  if (source === target(node)) return editor.bypass(node, inner.inputs[0]!);
  editor.rewrite(node, { op: 'Cast', inputs: [inner.inputs[0]!], attributes: { to: ELEMENT_TYPES[target(node)] } });
  return true;
}

export const cancelCasts: GraphPass = {
  name: 'cancel-casts',
  run: (editor) => editor.changeNodes((node) => node.op === 'Cast' && cancel(editor, node)),
};
