/**
 * NumPy in pickles: scalars (a best loss, a learning rate), which become numbers, and arrays, which lie in the pickle
 * itself. Source: numpy/_core/src/multiarray (`__reduce__` and `__setstate__` of ndarray and dtype).
 */
import { bytesOf, elementOf, isShape } from '../elements.js';
import { columnMajor, elementOfDescr } from '../formats/npy-header.js';
import type { StoredView } from '../read-view.js';
import { type AllowedGlobal, type PickleContext, PickleObject, PickleTuple, type PickleValue } from './values.js';

/** Bytes, or the text of codes 0 to 255 that protocol 2 writes them as. */
type PickledBytes = string | Uint8Array;

const isBytes = (value: PickleValue | undefined): value is PickledBytes =>
  typeof value === 'string' || value instanceof Uint8Array;

const toBytes = (value: PickledBytes): Uint8Array => (typeof value === 'string' ? Buffer.from(value, 'latin1') : value);

class NumpyType extends PickleObject {
  #order = '<';

  constructor(readonly type: string) {
    super();
  }

  /** (version, byte order, ...) */
  build(state: PickleValue): void {
    const order = state instanceof PickleTuple ? state.items[1] : undefined;
    if (order === '>') this.#order = '>';
  }

  /** @throws for anything else than numbers and booleans */
  element(context: PickleContext) {
    const element = elementOfDescr(`${this.#order}${this.type}`);
    if (element === undefined) throw context.fail('NumPy values that are not numbers');
    return element;
  }
}

const elementOfType = (type: PickleValue | undefined, context: PickleContext) => {
  if (!(type instanceof NumpyType)) throw context.fail('a NumPy value without a type');
  return type.element(context);
};

export class NumpyArray extends PickleObject {
  /** Undefined until the state has been set. */
  view: StoredView | undefined;
  #data: PickledBytes = '';

  /** (version, shape, type, whether in Fortran's order, bytes) */
  build(state: PickleValue, context: PickleContext): void {
    const [, sizes, type, fortran, data] = state instanceof PickleTuple ? state.items : [];
    const shape = sizes instanceof PickleTuple ? sizes.items : undefined;
    const element = elementOfType(type, context);
    if (!isShape(shape) || !isBytes(data) || data.length !== bytesOf(element.dtype, shape))
      throw context.fail('a NumPy array whose bytes do not fit its shape');
    this.view = { ...element, shape, start: 0, ...(fortran === true ? { strides: columnMajor(shape) } : {}) };
    this.#data = data;
  }

  bytes(): Uint8Array {
    return toBytes(this.#data);
  }
}

function scalar(type: PickleValue | undefined, value: PickleValue | undefined, context: PickleContext): PickleValue {
  const { dtype, bigEndian } = elementOfType(type, context);
  const { bytes, decode } = elementOf(dtype);
  if (!isBytes(value) || value.length !== bytes) throw context.fail(`a NumPy scalar that is not ${bytes} bytes`);
  const raw = Uint8Array.from(toBytes(value));
  if (bigEndian) raw.reverse();
  const number = new Float64Array(1);
  decode(raw.buffer, 1, number, 0);
  return dtype === 'BOOL' ? number[0] !== 0 : number[0]!;
}

const SCALAR: AllowedGlobal = { call: ([type, value], context) => scalar(type, value, context) };
/** _reconstruct(ndarray, (0,), b'b'): an array whose state follows. */
const ARRAY: AllowedGlobal = { call: () => new NumpyArray() };

export const NUMPY_NAMES: readonly (readonly [string, AllowedGlobal])[] = [
  ...['numpy.core.multiarray', 'numpy._core.multiarray'].flatMap((module): [string, AllowedGlobal][] => [
    [`${module}.scalar`, SCALAR],
    [`${module}._reconstruct`, ARRAY],
  ]),
  ['numpy.ndarray', {}],
  [
    'numpy.dtype',
    {
      call([type], context) {
        if (typeof type !== 'string' || type.length > 8) throw context.fail('a NumPy type without a short name');
        return new NumpyType(type);
      },
    },
  ],
];
