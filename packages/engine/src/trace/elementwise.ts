/** Lowerings of elementwise kernels. */
import * as tf from '@tensorflow/tfjs';
import { ELEMENT_TYPES } from '../onnx/graph.js';
import { sameShape } from '../ops/shape.js';
import type { DType } from '../types.js';
import { uniformValue } from './backend.js';
import type { KernelCall, Lowering, Lowerings, Operand } from './lowering.js';

/** Kernels that are one ONNX op of x. */
const UNARY: Record<string, string> = {
  Abs: 'Abs',
  Neg: 'Neg',
  Exp: 'Exp',
  Log: 'Log',
  Sqrt: 'Sqrt',
  Reciprocal: 'Reciprocal',
  Sin: 'Sin',
  Cos: 'Cos',
  Tan: 'Tan',
  Tanh: 'Tanh',
  Sigmoid: 'Sigmoid',
  Relu: 'Relu',
  Elu: 'Elu',
  Erf: 'Erf',
  Floor: 'Floor',
  Ceil: 'Ceil',
  Round: 'Round',
  Sign: 'Sign',
  Softplus: 'Softplus',
  LogicalNot: 'Not',
};

/** Kernels that are one broadcasting ONNX op of a and b. */
const BINARY: Record<string, string> = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Maximum: 'Max',
  Minimum: 'Min',
  Pow: 'Pow',
};

/** The same, with boolean results. */
const COMPARISONS: Record<string, string> = {
  Equal: 'Equal',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  LogicalAnd: 'And',
  LogicalOr: 'Or',
};

function broadcastShape(a: Operand, b: Operand): number[] {
  return tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
}

/** A constant of equal elements is read as a scalar, so that a broadcast node moves less memory. */
function scalarized(call: KernelCall, x: Operand, shape: readonly number[], other: Operand): string {
  const uniform = sameShape(other.shape, shape) && x.shape.length > 0 ? uniformValue(x.value) : undefined;
  return uniform === undefined ? x.name : call.scalar(uniform, x.dtype);
}

function binary(op: string, dtype?: DType): Lowering {
  return (call) => {
    const a = call.in('a');
    const b = call.in('b');
    const shape = broadcastShape(a, b);
    const names = [scalarized(call, a, shape, b), scalarized(call, b, shape, a)];
    return call.emit(op, names, shape, { dtype: dtype ?? a.dtype });
  };
}

/** Appends a cast to a graph type and returns the value's name. */
export function castTo(call: KernelCall, name: string, type: keyof typeof ELEMENT_TYPES): string {
  return call.graph.op('Cast', [name], { attributes: { to: ELEMENT_TYPES[type] } });
}

/** dy * (y >= 0 ? 1 : y + 1), the gradient of elu in terms of its value. */
const eluGrad: Lowering = (call) => {
  const dy = call.in('dy');
  const y = call.in('y');
  const slope = call.graph.op('Min', [call.graph.op('Add', [y.name, call.graph.float(1)]), call.graph.float(1)]);
  return call.emit('Mul', [dy.name, slope], dy.shape);
};

/** floor(a / b) for both kinds of numbers; ONNX's integer division truncates. */
const floorDiv: Lowering = (call) => {
  const a = call.in('a');
  const b = call.in('b');
  const shape = broadcastShape(a, b);
  const { graph } = call;
  if (a.dtype === 'float32') return call.emit('Floor', [graph.op('Div', [a.name, b.name])], shape);
  const remainder = graph.op('Mod', [a.name, b.name]); // takes the sign of b
  return call.emit('Div', [graph.op('Sub', [a.name, remainder]), b.name], shape, { dtype: 'int32' });
};

const mod: Lowering = (call) => {
  const a = call.in('a');
  const b = call.in('b');
  const shape = broadcastShape(a, b);
  const { graph } = call;
  if (a.dtype === 'int32') return call.emit('Mod', [a.name, b.name], shape, { dtype: 'int32' });
  const quotient = graph.op('Floor', [graph.op('Div', [a.name, b.name])]);
  return call.emit('Sub', [a.name, graph.op('Mul', [quotient, b.name])], shape);
};

const cast: Lowering = (call) => {
  const x = call.in('x');
  const dtype = call.attr<DType>('dtype');
  if (dtype === x.dtype) return call.alias(x);
  return call.result(castTo(call, x.name, dtype), x.shape, dtype);
};

const step: Lowering = (call) => {
  const x = call.in('x');
  const { graph } = call;
  const positive = graph.op('Greater', [x.name, call.scalar(0, x.dtype)]);
  const alpha = call.attr<number>('alpha') ?? 0;
  if (alpha === 0) return call.result(castTo(call, positive, x.dtype), x.shape, x.dtype);
  return call.emit('Where', [positive, graph.float(1), graph.float(alpha)], x.shape);
};

const like =
  (value: number): Lowering =>
  (call) => {
    const { shape, dtype } = call.in('x');
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data =
      dtype === 'float32' ? new Float32Array(size) : dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size);
    return call.constant(data.fill(value), shape, dtype);
  };

const unary =
  (op: string): Lowering =>
  (call) => {
    const x = call.in('x');
    return call.emit(op, [x.name], x.shape, { dtype: x.dtype });
  };

/** Kernels made of a few nodes; `name` is x in the graph. */
const composed =
  (build: (call: KernelCall, name: string) => string): Lowering =>
  (call) => {
    const x = call.in('x');
    return call.result(build(call, x.name), x.shape, x.dtype);
  };

export const elementwise: Lowerings = {
  ...Object.fromEntries(Object.entries(UNARY).map(([kernel, op]) => [kernel, unary(op)])),
  ...Object.fromEntries(Object.entries(BINARY).map(([kernel, op]) => [kernel, binary(op)])),
  ...Object.fromEntries(Object.entries(COMPARISONS).map(([kernel, op]) => [kernel, binary(op, 'bool')])),
  NotEqual: (call) => {
    const a = call.in('a');
    const b = call.in('b');
    return call.emit('Not', [call.graph.op('Equal', [a.name, b.name])], broadcastShape(a, b), { dtype: 'bool' });
  },
  Square: composed(({ graph }, x) => graph.op('Mul', [x, x])),
  Rsqrt: composed(({ graph }, x) => graph.op('Reciprocal', [graph.op('Sqrt', [x])])),
  Log1p: composed(({ graph }, x) => graph.op('Log', [graph.op('Add', [x, graph.float(1)])])),
  Expm1: composed(({ graph }, x) => graph.op('Sub', [graph.op('Exp', [x]), graph.float(1)])),
  Relu6: composed(({ graph }, x) => graph.op('Clip', [x, graph.float(0), graph.float(6)])),
  LeakyRelu: (call) => {
    const x = call.in('x');
    return call.emit('LeakyRelu', [x.name], x.shape, { attributes: { alpha: { float: call.attr<number>('alpha') } } });
  },
  ClipByValue: (call) => {
    const x = call.in('x');
    const bounds = [call.attr<number>('clipValueMin'), call.attr<number>('clipValueMax')];
    return call.emit('Clip', [x.name, ...bounds.map((bound) => call.scalar(bound, x.dtype))], x.shape, {
      dtype: x.dtype,
    });
  },
  SquaredDifference: (call) => {
    const a = call.in('a');
    const b = call.in('b');
    const difference = call.graph.op('Sub', [a.name, b.name]);
    return call.emit('Mul', [difference, difference], broadcastShape(a, b), { dtype: a.dtype });
  },
  EluGrad: eluGrad,
  FloorDiv: floorDiv,
  Mod: mod,
  Cast: cast,
  Step: step,
  ZerosLike: like(0),
  OnesLike: like(1),
  Identity: (call) => call.alias(call.in('x')),
  AddN: (call) => {
    const inputs = call.all();
    return call.emit(
      'Sum',
      inputs.map(({ name }) => name),
      inputs[0]!.shape,
    );
  },
  Select: (call) => {
    const [condition, t, e] = [call.in('condition'), call.in('t'), call.in('e')];
    const shape = broadcastShape(t, e);
    const branches = [scalarized(call, t, shape, e), scalarized(call, e, shape, t)];
    return call.emit('Where', [condition.name, ...branches], shape, { dtype: t.dtype });
  },
};
