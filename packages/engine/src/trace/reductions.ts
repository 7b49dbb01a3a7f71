/** Lowerings of reductions, softmax, cumulative sums and orderings. */
import * as tf from '@tensorflow/tfjs';
import { castTo } from './elementwise.js';
import type { KernelCall, Lowering, Lowerings } from './lowering.js';

/** Output shape of a reduction, and its axes counted from the front. */
function reduced(shape: readonly number[], axis: number | number[] | undefined, keepDims: boolean) {
  const axes = tf.util.parseAxisParam(axis ?? shape.map((_, i) => i), [...shape]);
  const out = keepDims
    ? shape.map((dim, i) => (axes.includes(i) ? 1 : dim))
    : shape.filter((_, i) => !axes.includes(i));
  return { axes, out };
}

/** In opset 17 only ReduceSum takes its axes as an input. */
function reduce(op: string, axisAttribute: string): Lowering {
  return (call) => {
    const x = call.in('x');
    const keepDims = call.attr<boolean | undefined>('keepDims') ?? false;
    const { axes, out } = reduced(x.shape, call.attr(axisAttribute), keepDims);
    if (axes.length === 0) return call.alias(x);
    const keepdims = keepDims ? 1 : 0;
    if (op === 'ReduceSum') {
      return call.emit(op, [x.name, call.graph.int64(axes)], out, { attributes: { keepdims }, dtype: x.dtype });
    }
    return call.emit(op, [x.name], out, { attributes: { axes, keepdims }, dtype: x.dtype });
  };
}

/** all and any as the minimum and maximum of zeros and ones. */
function logical(op: string): Lowering {
  return (call) => {
    const x = call.in('x');
    const keepDims = call.attr<boolean | undefined>('keepDims') ?? false;
    const { axes, out } = reduced(x.shape, call.attr('axis'), keepDims);
    const numbers = castTo(call, x.name, 'int32');
    const result = call.graph.op(op, [numbers], { attributes: { axes, keepdims: keepDims ? 1 : 0 } });
    return call.result(castTo(call, result, 'bool'), out, 'bool');
  };
}

function extremeIndex(op: string): Lowering {
  return (call) => {
    const x = call.in('x');
    const axis = call.attr<number>('axis');
    const index = call.graph.op(op, [x.name], { attributes: { axis, keepdims: 0 } });
    return call.result(
      castTo(call, index, 'int32'),
      x.shape.filter((_, i) => i !== axis),
      'int32',
    );
  };
}

const softmax =
  (op: string, inputName: string, axisAttribute: string): Lowering =>
  (call: KernelCall) => {
    const x = call.in(inputName);
    return call.emit(op, [x.name], x.shape, { attributes: { axis: call.attr<number>(axisAttribute) } });
  };

export const reductions: Lowerings = {
  Sum: reduce('ReduceSum', 'axis'),
  Mean: reduce('ReduceMean', 'axis'),
  Prod: reduce('ReduceProd', 'axis'),
  Max: reduce('ReduceMax', 'reductionIndices'),
  Min: reduce('ReduceMin', 'axis'),
  All: logical('ReduceMin'),
  Any: logical('ReduceMax'),
  ArgMax: extremeIndex('ArgMax'),
  ArgMin: extremeIndex('ArgMin'),
  Softmax: softmax('Softmax', 'logits', 'dim'),
  LogSoftmax: softmax('LogSoftmax', 'logits', 'axis'),
  Cumsum: (call) => {
    const x = call.in('x');
    const attributes = {
      exclusive: call.attr<boolean>('exclusive') ? 1 : 0,
      reverse: call.attr<boolean>('reverse') ? 1 : 0,
    };
    const axis = call.graph.constant('int64', [], BigInt64Array.of(BigInt(call.attr<number>('axis'))));
    return call.emit('CumSum', [x.name, axis], x.shape, { attributes, dtype: x.dtype });
  },
  TopK: (call) => {
    const x = call.in('x');
    const k = call.attr<number>('k');
    const [values, indices] = call.graph.node('TopK', [x.name, call.graph.int64([k])], {
      outputs: 2,
      attributes: { axis: -1, largest: 1, sorted: 1 },
    });
    const shape = [...x.shape.slice(0, -1), k];
    return [call.result(values!, shape, x.dtype), call.result(castTo(call, indices!, 'int32'), shape, 'int32')];
  },
};
