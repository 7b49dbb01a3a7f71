/**
 * PyTorch's names in pickles. A tensor is a view of a storage: `_rebuild_tensor_v2(storage, offset, size, stride, ...)`;
 * a storage stands beside the pickle and is referred to by the persistent id `('storage', type, key, location, count)`.
 * Source: torch/_utils.py and torch/serialization.py.
 */
import { countOf, type ElementType, elementOf, isShape, isSize } from '../elements.js';
import { itemsOf } from './python-names.js';
import {
  type AllowedGlobal,
  type PickleContext,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from './values.js';

/** Elements that lie somewhere in the file. */
export class TorchStorage extends PickleObject {
  constructor(
    readonly key: string,
    /** Undefined where only bytes are known. */
    readonly dtype: ElementType | undefined,
    readonly count: number,
    /** First element, where this is a part of the storage with that key. */
    readonly offset = 0,
  ) {
    super();
  }

  get #width(): number {
    return this.dtype === undefined ? 1 : elementOf(this.dtype).bytes;
  }

  get bytes(): number {
    return this.count * this.#width;
  }

  /** Its first byte in the storage with that key. */
  get start(): number {
    return this.offset * this.#width;
  }

  build(_: PickleValue, context: PickleContext): void {
    throw context.fail('it sets the state of a storage');
  }
}

export class TorchTensor extends PickleObject {
  constructor(
    readonly storage: TorchStorage,
    readonly dtype: ElementType,
    /** In elements, from the beginning of the storage. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {
    super();
  }

  /** Attributes that Python code has put on a tensor. */
  build(): void {}
}

const STORAGE_TYPES: Readonly<Record<string, ElementType>> = {
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  DoubleStorage: 'F64',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

const TYPES: Readonly<Record<string, ElementType>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float64: 'F64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};

function sizes(value: PickleValue | undefined, context: PickleContext): number[] {
  const items = itemsOf(value, context);
  if (!isShape(items)) throw context.fail('a tensor whose sizes or strides are not a list of at most 64 numbers >= 0');
  return items;
}

function rebuildTensor(
  args: readonly PickleValue[],
  given: ElementType | undefined,
  context: PickleContext,
): TorchTensor {
  const [storage, offset] = args;
  const shape = sizes(args[2], context);
  const strides = sizes(args[3], context);
  if (!(storage instanceof TorchStorage) || !isSize(offset) || shape.length !== strides.length)
    throw context.fail('a tensor without storage, offset, sizes and strides');
  const dtype = given ?? storage.dtype;
  if (dtype === undefined) throw context.fail('a tensor without an element type');
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
  const end = countOf(shape) === 0 ? offset : last + 1;
  if (!(end * elementOf(dtype).bytes <= storage.bytes))
    throw context.fail(`a tensor [${shape.join(', ')}] that ends at element ${end} of a storage of ${storage.count}`);
  return new TorchTensor(storage, dtype, offset, shape, strides);
}

/** _rebuild_tensor(storage, offset, size, stride), v2 with more that is not needed here. */
const tensor: AllowedGlobal = { call: (args, context) => rebuildTensor(args, undefined, context) };

/** _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, hooks, dtype, ...) */
const typedTensor: AllowedGlobal = {
  call(args, context) {
    const type = args[6];
    if (!(type instanceof PickleGlobal) || !Object.hasOwn(TYPES, type.path.slice('torch.'.length)))
      throw context.fail('a tensor without an element type');
    return rebuildTensor(args, TYPES[type.path.slice('torch.'.length)]!, context);
  },
};

/** _rebuild_parameter(tensor, requires_grad, hooks, ...) */
const parameter: AllowedGlobal = {
  call([data], context) {
    if (!(data instanceof TorchTensor)) throw context.fail('a parameter without a tensor');
    return data;
  },
};

const REBUILD = [
  ['torch._utils._rebuild_tensor', tensor],
  ['torch._utils._rebuild_tensor_v2', tensor],
  ['torch._utils._rebuild_tensor_v3', typedTensor],
  ['torch._utils._rebuild_parameter', parameter],
  ['torch._utils._rebuild_parameter_with_state', parameter],
] as const;

/** _rebuild_from_type_v2(function, type, arguments, state): a tensor with attributes of its own. */
const fromType: AllowedGlobal = {
  call([rebuild, , args], context) {
    const known = REBUILD.some(([path]) => rebuild instanceof PickleGlobal && rebuild.path === path);
    if (!known || !(args instanceof PickleTuple)) throw context.fail('a tensor that is not made as tensors are');
    return (rebuild as PickleGlobal).allowed.call!(args.items, context);
  },
};

export const TORCH_NAMES: readonly (readonly [string, AllowedGlobal])[] = [
  ...REBUILD,
  ['torch._tensor._rebuild_from_type_v2', fromType],
  ['torch.Size', { call: ([items], context) => new PickleTuple(sizes(items, context)) }],
  // Where a tensor was: of no meaning here.
  ['torch.device', { call: ([name]) => name ?? null }],
  ['torch.Tensor', {}],
  ['torch.nn.parameter.Parameter', {}],
  ['torch.nn.parameter.Buffer', {}],
  ['torch.storage.UntypedStorage', {}],
  ...Object.keys(STORAGE_TYPES).flatMap((name): [string, AllowedGlobal][] => [
    [`torch.${name}`, {}],
    [`torch.cuda.${name}`, {}],
  ]),
  ...Object.keys(TYPES).map((name): [string, AllowedGlobal] => [`torch.${name}`, {}]),
];

/** In characters; PyTorch's are numbers. */
const LONGEST_KEY = 100;

/** What a persistent id stands for. A legacy file may refer to part of a storage: (key, offset, count) comes last. */
export function storageOfId(id: PickleValue, context: PickleContext): TorchStorage {
  const [kind, type, key, , count, view = null] = id instanceof PickleTuple ? id.items : [];
  if (kind !== 'storage' || !(type instanceof PickleGlobal) || typeof key !== 'string' || !isSize(count))
    throw context.fail('it refers to something beside it that is not a storage');
  if (key.length > LONGEST_KEY) throw context.fail(`a storage whose key has ${key.length} characters`);
  const name = type.path.slice(type.path.lastIndexOf('.') + 1);
  const dtype = Object.hasOwn(STORAGE_TYPES, name) ? STORAGE_TYPES[name] : undefined;
  if (dtype === undefined && name !== 'UntypedStorage') throw context.fail(`a storage of type ${type.path}`);
  if (view === null) return new TorchStorage(key, dtype, count);
  const [, offset, size] = itemsOf(view, context);
  if (!isSize(offset) || !isSize(size) || !(offset + size <= count))
    throw context.fail('a part of a storage that reaches beyond it');
  return new TorchStorage(key, dtype, size, offset);
}
