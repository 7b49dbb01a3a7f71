/** NumPy's scalars in pickles (a best loss, a learning rate), which become numbers. Its arrays are refused by name. */
import { elementOf } from '../elements.js';
import { elementOfDescr } from '../formats/npy-header.js';
import { type AllowedGlobal, type PickleContext, PickleObject, PickleTuple, type PickleValue } from './values.js';

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

  get descr(): string {
    return `${this.#order}${this.type}`;
  }
}

function scalar(type: PickleValue | undefined, value: PickleValue | undefined, context: PickleContext): PickleValue {
  const element = type instanceof NumpyType ? elementOfDescr(type.descr) : undefined;
  if (element === undefined) throw context.fail('a NumPy scalar that is not a number');
  const { bytes, decode } = elementOf(element.dtype);
  const length = typeof value === 'string' || value instanceof Uint8Array ? value.length : -1;
  if (length !== bytes) throw context.fail(`a NumPy scalar of ${length} bytes instead of ${bytes}`);
  const raw = typeof value === 'string' ? Buffer.from(value, 'latin1') : (value as Uint8Array);
  const copy = Uint8Array.from(raw);
  if (element.bigEndian) copy.reverse();
  const number = new Float64Array(1);
  decode(copy.buffer, 1, number, 0);
  return element.dtype === 'BOOL' ? number[0] !== 0 : number[0]!;
}

const SCALAR: AllowedGlobal = { call: ([type, value], context) => scalar(type, value, context) };

export const NUMPY_NAMES: readonly (readonly [string, AllowedGlobal])[] = [
  ['numpy.core.multiarray.scalar', SCALAR],
  ['numpy._core.multiarray.scalar', SCALAR],
  [
    'numpy.dtype',
    {
      call([type], context) {
        if (typeof type !== 'string') throw context.fail('a NumPy type without a name');
        return new NumpyType(type);
      },
    },
  ],
];
