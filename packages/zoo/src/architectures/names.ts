/**
 * Name maps between checkpoints of an architecture and this project's parameters: rules that hold both ways, and what
 * follows from them: which tensors must be there, with which shapes, and how one is made of the others.
 */
import type { ParameterSpec } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { same, type Transform } from './transforms.js';
import type { TensorDescription, TensorReader } from './types.js';

/** `theirs` is made of `ours` through `as` (default: stored as it is). `{n}` stands for the number of every layer. */
export interface NameRule {
  ours: string | readonly string[];
  theirs: string;
  as?: Transform;
}

export interface NameMap {
  /** Rules whose parameters the model does not have (a bias, say) do not apply. */
  rules: readonly NameRule[];
  /** Entries without weights, such as masks; `{n}` is any number. */
  ignored?: readonly string[];
  /** Second names of a tensor: passed over where a file has them. With `written` they are written too. */
  tied?: readonly { name: string; of: string; written?: boolean }[];
  /** The beginning of names that some files lack. */
  optionalPrefix?: string;
}

/** The rules of a linear layer: its weight, and its bias where the model has one. */
export function linearRules(ours: string | readonly string[], theirs: string, as: Transform): NameRule[] {
  const named = (part: string) => [ours].flat().map((name) => `${name}.${part}`);
  return ['weight', 'bias'].map((part) => ({ ours: named(part), theirs: `${theirs}.${part}`, as }));
}

/** The rules of a norm with the parts `weight` and `bias`, or what the family calls them. */
export function normRules(ours: string, theirs: string, [weight, bias] = ['weight', 'bias']): NameRule[] {
  return [
    { ours: `${ours}.weight`, theirs: `${theirs}${weight}` },
    { ours: `${ours}.bias`, theirs: `${theirs}${bias}` },
  ];
}

/** A tensor of theirs, and what it is made of. */
export interface NamedPair {
  theirs: string;
  ours: readonly ParameterSpec[];
  transform: Transform;
}

/** The rules of a map for the parameters of one model. */
export function pairNames({ rules }: NameMap, parameters: readonly ParameterSpec[], layers: number): NamedPair[] {
  const known = new Map(parameters.map((spec) => [spec.name, spec]));
  const left = new Set(known.keys());
  const pairs: NamedPair[] = [];
  for (const { ours, theirs, as = same } of rules) {
    for (let n = 0; n < (theirs.includes('{n}') ? layers : 1); n++) {
      const at = (name: string) => name.replaceAll('{n}', String(n));
      const specs = [ours].flat().map((name) => known.get(at(name)));
      if (specs.some((spec) => spec === undefined)) continue;
      for (const spec of specs) left.delete(spec!.name);
      pairs.push({ theirs: at(theirs), ours: specs as ParameterSpec[], transform: as });
    }
  }
  if (left.size > 0) throw new Error(`no rule names ${[...left].join(', ')}`);
  return pairs;
}

const pattern = (name: string) =>
  new RegExp(`^${name.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{n}', '\\d+')}$`);

/** At most this many names are listed in one message. */
const SHOWN = 8;
const list = (names: string[]) =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');

const readsFloats = ({ dtype, reads }: TensorDescription) =>
  (reads ?? (/^B?F\d/.test(dtype) ? 'float32' : '')) === 'float32';

/** The pairs with the names that a file has, checked against it. @throws UserError naming all that does not fit */
export function pairsOfFile(map: NameMap, pairs: readonly NamedPair[], { path, entries }: TensorReader): NamedPair[] {
  const { optionalPrefix: prefix = '', ignored = [], tied = [] } = map;
  const present = [...entries.keys()];
  const bare = prefix !== '' && !present.some((name) => name.startsWith(prefix));
  const inFile = (name: string) => (bare && name.startsWith(prefix) ? name.slice(prefix.length) : name);
  const named = pairs.map((pair) => ({ ...pair, theirs: inFile(pair.theirs) }));
  const passed = [...ignored, ...tied.map(({ name }) => name)].map((name) => pattern(inFile(name)));
  const expected = new Set(named.map(({ theirs }) => theirs));
  const missing = named.filter(({ theirs }) => !entries.has(theirs)).map(({ theirs }) => theirs);
  const unexpected = present.filter((name) => !expected.has(name) && !passed.some((test) => test.test(name)));
  const unlike = named.flatMap(({ theirs, ours, transform }) => {
    const entry = entries.get(theirs);
    if (entry === undefined) return [];
    const shape = transform.shape(ours.map((spec) => spec.shape));
    if (entry.shape.join() === shape.join() && readsFloats(entry)) return [];
    return [`${theirs} is ${entry.dtype} [${entry.shape.join(', ')}], expected floats [${shape.join(', ')}]`];
  });
  const problems = [
    missing.length > 0 ? `missing: ${list(missing)}` : '',
    unexpected.length > 0 ? `unexpected: ${list(unexpected)}` : '',
    unlike.length > 0 ? `of another shape or type: ${list(unlike)}` : '',
  ].filter((problem) => problem !== '');
  if (problems.length > 0)
    throw new UserError(`${path}: the tensors do not fit the configuration; ${problems.join('; ')}`, {
      location: { file: path },
      hint: 'Weights and configuration must come from the same model, of an architecture that is supported as it is.',
    });
  return named;
}
