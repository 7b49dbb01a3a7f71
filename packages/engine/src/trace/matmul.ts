/** Lowerings of matrix products and of the composite ops of this package. */
import * as tf from '@tensorflow/tfjs';
import { castTo } from './elementwise.js';
import type { Lowering, Lowerings } from './lowering.js';

const MICROSOFT = 'com.microsoft';

/** A product without batch dimensions is a Gemm, otherwise transposes are folded into Microsoft's FusedMatMul. */
const batchMatMul: Lowering = (call) => {
  const a = call.in('a');
  const b = call.in('b');
  const transA = call.attr<boolean>('transposeA') ? 1 : 0;
  const transB = call.attr<boolean>('transposeB') ? 1 : 0;
  const m = a.shape.at(transA === 1 ? -1 : -2)!;
  const n = b.shape.at(transB === 1 ? -2 : -1)!;
  if (a.shape.length === 2 && b.shape.length === 2) {
    return call.emit('Gemm', [a.name, b.name], [m, n], { attributes: { transA, transB } });
  }
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const shape = [...batch, m, n];
  if (transA === 0 && transB === 0) return call.emit('MatMul', [a.name, b.name], shape);
  return call.emit('FusedMatMul', [a.name, b.name], shape, { domain: MICROSOFT, attributes: { transA, transB } });
};

/** a [m, k] @ b [k, n] + c [n]. */
const gemm: Lowering = (call) => {
  const [a, b, c] = [call.in('a'), call.in('b'), call.in('c')];
  return call.emit('Gemm', [a.name, b.name, c.name], [a.shape[0]!, b.shape[1]!]);
};

/** Besides the value, the mean and inverse standard deviation that the gradient needs. */
const layerNorm: Lowering = (call) => {
  const [x, weight, bias] = [call.in('x'), call.in('weight'), call.in('bias')];
  const names = call.graph.node('LayerNormalization', [x.name, weight.name, bias.name], {
    outputs: 3,
    attributes: { axis: -1, epsilon: { float: call.attr<number>('epsilon') } },
  });
  const moments = [...x.shape.slice(0, -1), 1];
  return [x.shape, moments, moments].map((shape, i) => call.result(names[i]!, shape, 'float32'));
};

/** x [n, v], columns [n] -> x[i, columns[i]] as [n, 1]. */
const pickColumns: Lowering = (call) => {
  const x = call.in('x');
  const columns = call.in('columns');
  const shape = [columns.shape[0]!, 1];
  const indices = call.graph.op('Reshape', [castTo(call, columns.name, 'int64'), call.graph.int64(shape)]);
  return call.emit('GatherElements', [x.name, indices], shape, { attributes: { axis: 1 } });
};

export const products: Lowerings = {
  BatchMatMul: batchMatMul,
  Gemm: gemm,
  LayerNorm: layerNorm,
  PickColumns: pickColumns,
  Gelu: (call) => {
    const x = call.in('x');
    return call.emit('Gelu', [x.name], x.shape, { domain: MICROSOFT });
  },
};
