/** Lowerings of kernels that move data: reshape, transpose, slice, concatenate, gather, scatter. */
import * as tf from '@tensorflow/tfjs';
import { sameShape, sizeOf } from '../ops/shape.js';
import { castTo } from './elementwise.js';
import type { KernelCall, Lowering, Lowerings, Operand } from './lowering.js';

function reshapeTo(call: KernelCall, x: Operand, shape: readonly number[]): tf.TensorInfo {
  if (sameShape(x.shape, shape)) return call.alias(x);
  return call.emit('Reshape', [x.name, call.graph.int64(shape)], shape, { dtype: x.dtype });
}

const reshape: Lowering = (call) => {
  const x = call.in('x');
  const size = x.shape.reduce((product, dim) => product * dim, 1);
  return reshapeTo(call, x, tf.util.inferFromImplicitShape(call.attr<number[]>('shape'), size));
};

const expandDims: Lowering = (call) => {
  const x = call.in('input');
  const dim = call.attr<number>('dim');
  const at = dim < 0 ? x.shape.length + 1 + dim : dim;
  return reshapeTo(call, x, [...x.shape.slice(0, at), 1, ...x.shape.slice(at)]);
};

const transpose: Lowering = (call) => {
  const x = call.in('x');
  const perm = call.attr<number[]>('perm');
  if (perm.every((axis, i) => axis === i)) return call.alias(x);
  return call.emit(
    'Transpose',
    [x.name],
    perm.map((axis) => x.shape[axis]!),
    { attributes: { perm }, dtype: x.dtype },
  );
};

/** ONNX Slice with per-axis starts, ends and steps. */
function emitSlice(call: KernelCall, x: Operand, starts: number[], ends: number[], steps: number[], shape: number[]) {
  const { graph } = call;
  const axes = x.shape.map((_, i) => i);
  const inputs = [x.name, ...[starts, ends, axes, steps].map((values) => graph.int64(values))];
  return call.emit('Slice', inputs, shape, { dtype: x.dtype });
}

const slice: Lowering = (call) => {
  const x = call.in('x');
  const [begin, size] = tf.slice_util.parseSliceParams(
    { shape: x.shape } as tf.TensorInfo,
    call.attr<number[]>('begin'),
    call.attr<number[]>('size'),
  ) as [number[], number[]];
  if (size.every((count, i) => count === x.shape[i])) return call.alias(x);
  const ends = begin.map((start, i) => start + size[i]!);
  return emitSlice(
    call,
    x,
    begin,
    ends,
    begin.map(() => 1),
    size,
  );
};

const reverse: Lowering = (call) => {
  const x = call.in('x');
  const dims = tf.util.parseAxisParam(call.attr<number | number[]>('dims'), x.shape);
  const flip = <T>(yes: T, no: (i: number) => T) => x.shape.map((_, i) => (dims.includes(i) ? yes : no(i)));
  // An end of -(dim + 1) means "past the first element" when stepping back.
  const ends = x.shape.map((dim, i) => (dims.includes(i) ? -dim - 1 : dim));
  return emitSlice(
    call,
    x,
    flip(-1, () => 0),
    ends,
    flip(-1, () => 1),
    x.shape,
  );
};

const split: Lowering = (call) => {
  const x = call.in('x');
  const axis = tf.util.parseAxisParam(call.attr<number>('axis'), x.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize({ shape: x.shape } as tf.Tensor, call.attr('numOrSizeSplits'), axis);
  if (sizes.length === 1) return [call.alias(x)];
  const names = call.graph.node('Split', [x.name, call.graph.int64(sizes)], {
    outputs: sizes.length,
    attributes: { axis },
  });
  return names.map((name, i) =>
    call.result(
      name,
      x.shape.map((dim, j) => (j === axis ? sizes[i]! : dim)),
      x.dtype,
    ),
  );
};

const concat: Lowering = (call) => {
  const inputs = call.all();
  const first = inputs[0]!;
  const axis = tf.util.parseAxisParam(call.attr<number>('axis'), first.shape)[0]!;
  const kept = inputs.filter(({ shape }) => shape[axis] !== 0);
  if (kept.length === 1) return call.alias(kept[0]!);
  const shape = tf.backend_util.computeOutShape(
    inputs.map((x) => x.shape),
    axis,
  );
  return call.emit(
    'Concat',
    kept.map(({ name }) => name),
    shape,
    { attributes: { axis }, dtype: first.dtype },
  );
};

const pack: Lowering = (call) => {
  const inputs = call.all();
  const first = inputs[0]!;
  const axis = call.attr<number>('axis');
  const one = [...first.shape.slice(0, axis), 1, ...first.shape.slice(axis)];
  const shape = one.map((dim, i) => (i === axis ? inputs.length : dim));
  const names = inputs.map(({ name }) => call.graph.op('Reshape', [name, call.graph.int64(one)]));
  return call.emit('Concat', names, shape, { attributes: { axis }, dtype: first.dtype });
};

const unpack: Lowering = (call) => {
  const x = call.in('value');
  const axis = tf.util.parseAxisParam(call.attr<number>('axis'), x.shape)[0]!;
  const count = x.shape[axis]!;
  const shape = x.shape.filter((_, i) => i !== axis);
  const names = call.graph.node('Split', [x.name, call.graph.int64(Array(count).fill(1))], {
    outputs: count,
    attributes: { axis },
  });
  return names.map((name) => call.emit('Reshape', [name, call.graph.int64(shape)], shape, { dtype: x.dtype }));
};

const pad: Lowering = (call) => {
  const x = call.in('x');
  const paddings = call.attr<[number, number][]>('paddings');
  const shape = x.shape.map((dim, i) => dim + paddings[i]![0] + paddings[i]![1]);
  const pads = [...paddings.map((pair) => pair[0]), ...paddings.map((pair) => pair[1])];
  const value = call.scalar(call.attr<number>('constantValue'), x.dtype);
  return call.emit('Pad', [x.name, call.graph.int64(pads), value], shape, { dtype: x.dtype });
};

const gather: Lowering = (call) => {
  const x = call.in('x');
  const indices = call.in('indices');
  if ((call.attr<number | undefined>('batchDims') ?? 0) !== 0) {
    throw new Error('gather with batchDims cannot be compiled to ONNX');
  }
  const axis = tf.util.parseAxisParam(call.attr<number>('axis'), x.shape)[0]!;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return call.emit('Gather', [x.name, indices.name], shape, { attributes: { axis }, dtype: x.dtype });
};

/**
 * Adds rows of x into zeros. ScatterND would take row indices, but ONNX Runtime's adds them up in several threads at once
 * and loses some (measured, 1.30); ScatterElements is sequential, and with it the sums are the same in every run.
 */
const segmentSum: Lowering = (call) => {
  const x = call.in('x');
  const ids = call.in('segmentIds');
  const { graph } = call;
  const inner = x.shape.slice(ids.shape.length);
  const rows = sizeOf(ids.shape);
  const width = sizeOf(inner);
  const segments = call.attr<number>('numSegments');
  const zeros = graph.op('Expand', [call.scalar(0, x.dtype), graph.int64([segments, width])]);
  const column = graph.op('Reshape', [ids.name, graph.int64([rows, 1])]);
  const indices = graph.op('Expand', [column, graph.int64([rows, width])]);
  const updates = graph.op('Reshape', [x.name, graph.int64([rows, width])]);
  // For passes that take the scatter apart.
  graph.describe(column, 'int32', [rows, 1]);
  graph.describe(indices, 'int32', [rows, width]);
  const attributes = { axis: 0, reduction: 'add' };
  const sums = graph.op('ScatterElements', [zeros, indices, updates], { attributes });
  if (inner.length === 1) return call.result(sums, [segments, width], x.dtype);
  return call.emit('Reshape', [sums, graph.int64([segments, ...inner])], [segments, ...inner], { dtype: x.dtype });
};

const oneHot: Lowering = (call) => {
  const indices = call.in('indices');
  const depth = call.attr<number>('depth');
  const { graph } = call;
  const levels = [call.attr<number>('offValue'), call.attr<number>('onValue')];
  const dtype = (call.attrs.dtype as 'float32' | 'int32' | 'bool' | undefined) ?? 'int32';
  const values = graph.constant('float32', [2], Float32Array.from(levels));
  const hot = graph.op('OneHot', [
    castTo(call, indices.name, 'int64'),
    graph.constant('int64', [], BigInt64Array.of(BigInt(depth))),
    values,
  ]);
  const shape = [...indices.shape, depth];
  return dtype === 'float32' ? call.result(hot, shape, dtype) : call.result(castTo(call, hot, dtype), shape, dtype);
};

export const layout: Lowerings = {
  Reshape: reshape,
  ExpandDims: expandDims,
  Transpose: transpose,
  Slice: slice,
  Reverse: reverse,
  SplitV: split,
  Concat: concat,
  Pack: pack,
  Unpack: unpack,
  PadV2: pad,
  Tile: (call) => {
    const x = call.in('x');
    const reps = call.attr<number[]>('reps');
    const shape = x.shape.map((dim, i) => dim * reps[i]!);
    return call.emit('Tile', [x.name, call.graph.int64(reps)], shape, { dtype: x.dtype });
  },
  GatherV2: gather,
  UnsortedSegmentSum: segmentSum,
  OneHot: oneHot,
};
