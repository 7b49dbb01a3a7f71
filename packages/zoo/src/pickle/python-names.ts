/** Names of Python's own library that checkpoints may use, and what stands for them. */
import {
  type AllowedGlobal,
  type PickleContext,
  PickleNamespace,
  PickleSet,
  PickleTuple,
  type PickleValue,
} from './values.js';

/** The items of a list, tuple or set. */
export function itemsOf(value: PickleValue | undefined, context: PickleContext): readonly PickleValue[] {
  if (Array.isArray(value)) return value;
  if (value instanceof PickleTuple || value instanceof PickleSet) return value.items;
  throw context.fail('a list is expected where there is none');
}

/** A dictionary, empty or of pairs, or a copy of another. */
function dictionary(source: PickleValue | undefined, context: PickleContext): Map<PickleValue, PickleValue> {
  context.spend(16);
  if (source === undefined) return new Map();
  if (source instanceof Map) {
    context.spend(4 * source.size);
    return new Map(source);
  }
  const pairs = itemsOf(source, context);
  context.spend(4 * pairs.length);
  return new Map(
    pairs.map((pair) => {
      const [key, value] = itemsOf(pair, context);
      if (key === undefined || value === undefined) throw context.fail('a dictionary of something else than pairs');
      return [key, value];
    }),
  );
}

function copyOf(source: PickleValue | undefined, context: PickleContext): PickleValue[] {
  const items = source === undefined ? [] : itemsOf(source, context);
  context.spend(12 + items.length);
  return [...items];
}

const set: AllowedGlobal = { call: ([items], context) => new PickleSet(copyOf(items, context)) };

/** Types that only occur by name, such as the default of a defaultdict. */
const mentioned = ['bool', 'dict', 'float', 'int', 'list', 'str', 'tuple', 'object'];

export const PYTHON_NAMES: readonly (readonly [string, AllowedGlobal])[] = [
  ['argparse.Namespace', { call: () => new PickleNamespace() }],
  ['types.SimpleNamespace', { call: () => new PickleNamespace() }],
  ['collections.OrderedDict', { call: ([source], context) => dictionary(source, context) }],
  ['collections.Counter', { call: ([source], context) => dictionary(source, context) }],
  // The first argument is what makes the default.
  ['collections.defaultdict', { call: ([, source], context) => dictionary(source, context) }],
  ['builtins.set', set],
  ['builtins.frozenset', set],
  [
    // How protocol 2 writes bytes: as text of the codes 0 to 255, which it stays.
    '_codecs.encode',
    {
      call([text], context) {
        if (typeof text !== 'string') throw context.fail('_codecs.encode of something else than text');
        return text;
      },
    },
  ],
  ...mentioned.map((name): [string, AllowedGlobal] => [`builtins.${name}`, {}]),
];
