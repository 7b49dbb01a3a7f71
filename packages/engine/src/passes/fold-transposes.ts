/**
 * Transposes that need no node: two in a row that are one or none, those that only move axes of length one (a reshape), and
 * those that a product can do itself, by Gemm's transA and transB or with Microsoft's FusedMatMul.
 */
import type { GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import { PRODUCTS } from './products.js';
import type { GraphPass } from './run-passes.js';

const MICROSOFT = 'com.microsoft';

const isIdentity = (perm: readonly number[]) => perm.every((axis, i) => axis === i);

/** @returns whether the transpose has been changed */
function shorten(editor: GraphEditor, node: GraphNode): boolean {
  const [x] = node.inputs as [string];
  const perm = node.attributes.perm as number[];
  if (isIdentity(perm)) return editor.bypass(node, x);
  const inner = editor.made(x, 'Transpose');
  if (inner !== undefined) {
    const first = inner.attributes.perm as number[];
    const both = perm.map((axis) => first[axis]!);
    editor.rewrite(node, { op: 'Transpose', inputs: [inner.inputs[0]!], attributes: { perm: both } });
    return true;
  }
  const shape = editor.type(x)?.shape;
  if (shape === undefined) return false;
  const long = perm.filter((axis) => shape[axis] !== 1);
  if (!isIdentity([...long].sort((a, b) => a - b).map((axis, i) => (axis === long[i] ? i : -1)))) return false;
  const result = editor.addInt64(perm.map((axis) => shape[axis]!));
  editor.rewrite(node, { op: 'Reshape', inputs: [x, result] });
  return true;
}

/** What a transpose of the last two axes alone is given. */
function untransposed(editor: GraphEditor, value: string): string | undefined {
  const transpose = editor.made(value, 'Transpose');
  if (transpose === undefined) return undefined;
  const perm = transpose.attributes.perm as number[];
  const last = perm.length - 1;
  const swaps = last >= 1 && perm[last] === last - 1 && perm[last - 1] === last && isIdentity(perm.slice(0, -2));
  return swaps ? transpose.inputs[0] : undefined;
}

/** @returns whether a product reads an input as it lies from now on */
function intoProduct(editor: GraphEditor, node: GraphNode): boolean {
  const { op, inputs, attributes } = node;
  const sources = inputs.slice(0, 2).map((name) => untransposed(editor, name));
  if (sources.every((source) => source === undefined)) return false;
  const flipped = (flag: 'transA' | 'transB', i: number) =>
    ((attributes[flag] as number | undefined) ?? 0) ^ (sources[i] === undefined ? 0 : 1);
  const action = {
    inputs: inputs.map((name, i) => sources[i] ?? name),
    attributes: { ...attributes, transA: flipped('transA', 0), transB: flipped('transB', 1) },
  };
  editor.rewrite(node, op === 'Gemm' ? { op, ...action } : { op: 'FusedMatMul', domain: MICROSOFT, ...action });
  return true;
}

export const foldTransposes: GraphPass = {
  name: 'fold-transposes',
  run: (editor) =>
    editor.changeNodes((node) => {
      if (node.op === 'Transpose') return shorten(editor, node);
      return PRODUCTS.has(node.op) && intoProduct(editor, node);
    }),
};
