/** What passes know of types and shapes of values. */
import { sameShape } from '../ops/shape.js';
import type { GraphEditor } from './graph-editor.js';

/** True where both values are known to have one shape. */
export function sameShapeOf(editor: GraphEditor, a: string, b: string): boolean {
  const [left, right] = [editor.type(a), editor.type(b)];
  return left !== undefined && right !== undefined && sameShape(left.shape, right.shape);
}

/** The shape that numpy's broadcasting gives; undefined where the shapes do not go together. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const dims = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1).filter((dim) => dim !== 1);
    const dim = dims[0] ?? 1;
    if (dims.some((other) => other !== dim)) return undefined;
    result.push(dim);
  }
  return result;
}
