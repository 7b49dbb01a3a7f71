/**
 * Computes nodes whose inputs are all constants: weights put side by side, transposed, reshaped or scaled. ONNX Runtime does so
 * too when it opens a session, but matrices can only be stored in fewer bits, and files only be as small, when it is done before.
 * Only operations with one right result in float32 are computed, so that no number depends on where that is.
 */
import type { GraphNode, Initializer } from '../onnx/graph.js';
import { sizeOf } from '../ops/shape.js';
import { floatsOf } from './constant-values.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

/** Float32 numbers in a shape. */
interface Value {
  shape: readonly number[];
  data: Float32Array;
}

/** What is computed of constants, except for the shape that Reshape is given. */
type Fold = (node: GraphNode, inputs: Value[], result: readonly number[]) => Float32Array | undefined;

/** Distance in the data between neighbours along each axis; 0 along those that are repeated to reach `rank` axes. */
function strides(shape: readonly number[], rank = shape.length): number[] {
  const result = new Array<number>(rank).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1) result[axis + rank - shape.length] = stride;
    stride *= shape[axis]!;
  }
  return result;
}

/** Calls `visit` with the place in the data of each element of `shape`, in order, for the given strides of the source. */
function walk(
  shape: readonly number[],
  steps: readonly (readonly number[])[],
  visit: (places: number[]) => void,
): void {
  const index = new Array<number>(shape.length).fill(0);
  const places = steps.map(() => 0);
  for (let left = sizeOf(shape); left > 0; left--) {
    visit(places);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const wraps = ++index[axis]! === shape[axis];
      const moves = wraps ? 1 - shape[axis]! : 1;
      for (let i = 0; i < steps.length; i++) places[i]! += moves * steps[i]![axis]!;
      if (!wraps) break;
      index[axis] = 0;
    }
  }
}

const binary =
  (compute: (a: number, b: number) => number): Fold =>
  (_, [a, b], shape) => {
    const data = new Float32Array(sizeOf(shape));
    let next = 0;
    walk(shape, [strides(a!.shape, shape.length), strides(b!.shape, shape.length)], ([i, j]) => {
      data[next++] = compute(a!.data[i!]!, b!.data[j!]!);
    });
    return data;
  };

const unary =
  (compute: (x: number) => number): Fold =>
  (_, [x]) =>
    x!.data.map(compute);

const transpose: Fold = ({ attributes }, [x], shape) => {
  const own = strides(x!.shape);
  const data = new Float32Array(x!.data.length);
  let next = 0;
  const steps = (attributes.perm as number[]).map((axis) => own[axis]!);
  walk(shape, [steps], ([i]) => {
    data[next++] = x!.data[i!]!;
  });
  return data;
};

const concat: Fold = ({ attributes }, inputs, shape) => {
  const axis = attributes.axis as number;
  if (axis < 0) return undefined;
  const data = new Float32Array(sizeOf(shape));
  const outer = sizeOf(shape.slice(0, axis));
  let next = 0;
  for (let i = 0; i < outer; i++)
    for (const x of inputs) {
      const width = x.data.length / outer;
      data.set(x.data.subarray(i * width, (i + 1) * width), next);
      next += width;
    }
  return data;
};

/** By operation; each result is exact, or the float32 nearest to what is exact. */
const FOLDS: Readonly<Record<string, Fold>> = {
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Transpose: transpose,
  Concat: concat,
  Reshape: (_, [x]) => x!.data,
};

/** Constants beyond this many numbers are only folded where nothing else needs what they are made of. */
const LARGE = 1024;

/** The constants that a node computes with; undefined where one is not known or would be stored twice. */
function operands(editor: GraphEditor, { op, inputs }: GraphNode): Readonly<Initializer>[] | undefined {
  const numbers = op === 'Reshape' ? inputs.slice(0, 1) : inputs;
  const constants = numbers.map((name) => editor.constant(name));
  if (constants.some((constant) => constant?.type !== 'float32')) return undefined;
  const known = constants as Readonly<Initializer>[];
  const stays = ({ name, shape }: Readonly<Initializer>) => sizeOf(shape) > LARGE && editor.readers(name).size > 1;
  return known.some(stays) ? undefined : known;
}

/** @returns whether the node has become a constant */
function fold(editor: GraphEditor, node: GraphNode): boolean {
  const compute = Object.hasOwn(FOLDS, node.op) ? FOLDS[node.op] : undefined;
  const [name] = node.outputs as [string];
  // What makes an output stays a node.
  if (compute === undefined || editor.isOutput(name)) return false;
  const shape = editor.type(name)?.shape;
  const constants = operands(editor, node);
  if (shape === undefined || constants === undefined) return false;
  const given = constants.reduce((sum, constant) => sum + sizeOf(constant.shape), 0);
  if (sizeOf(shape) > Math.max(given, LARGE)) return false;
  const data = compute(
    node,
    constants.map((constant) => ({ shape: constant.shape, data: floatsOf(constant) })),
    shape,
  );
  return data !== undefined && editor.replace(name, editor.addConstant('float32', shape, data));
}

export const foldConstants: GraphPass = {
  name: 'fold-constants',
  run: (editor) => editor.changeNodes((node) => fold(editor, node)),
};
