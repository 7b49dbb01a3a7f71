/**
 * Nodes that hand on what they are given: x + 0, 0 + x, x - 0, x * 1, 1 * x, x / 1, x ^ 1, -(-x) and identities. x + 0 is taken
 * to be x also where x is -0.
 */
import type { GraphNode } from '../onnx/graph.js';
import { uniformNumber } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';
import { sameShapeOf } from './value-types.js';

/** Neutral element of an operation when it stands on the given side. */
const NEUTRAL: Readonly<Record<string, { left?: number; right?: number }>> = {
  Add: { left: 0, right: 0 },
  Sub: { right: 0 },
  Mul: { left: 1, right: 1 },
  Div: { right: 1 },
  Pow: { right: 1 },
};

/** The input that a node hands on as it is. */
function handedOn(editor: GraphEditor, { op, inputs, outputs }: GraphNode): string | undefined {
  if (op === 'Identity') return inputs[0];
  if (op === 'Neg') return editor.made(inputs[0], 'Neg')?.inputs[0];
  const neutral = NEUTRAL[op];
  if (neutral === undefined) return undefined;
  const [left, right] = inputs as [string, string];
  const is = (side: string, value: number | undefined) =>
    value !== undefined && uniformNumber(editor.constant(side)) === value;
  // A constant of more axes or longer ones would repeat x.
  for (const [x, other, value] of [
    [left, right, neutral.right],
    [right, left, neutral.left],
  ] as const)
    if (is(other, value) && (editor.type(other)?.shape.length === 0 || sameShapeOf(editor, x, outputs[0]!))) return x;
  return undefined;
}

export const neutralElements: GraphPass = {
  name: 'neutral-elements',
  run: (editor) =>
    editor.changeNodes((node) => {
      const x = handedOn(editor, node);
      return x !== undefined && editor.bypass(node, x);
    }),
};
