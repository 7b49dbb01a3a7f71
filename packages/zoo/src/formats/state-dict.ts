/**
 * From what a PyTorch checkpoint holds to tensors by name. A checkpoint is a state dict, or a dictionary with a state
 * dict in it beside other things: fairseq's `{ args, cfg, model, optimizer_history, ... }`, Lightning's `state_dict`,
 * DeepSpeed's `module`. Nested dictionaries become dotted names.
 */
import { type Fail, quoted } from '../format-error.js';
import { NumpyArray } from '../pickle/numpy-names.js';
import { TorchTensor } from '../pickle/torch-names.js';
import { PickleGlobal, PickleNamespace, PickleSet, PickleTuple, type PickleValue } from '../pickle/values.js';

/** PyTorch's tensors, and NumPy's arrays where they take their place. */
export type PickledTensor = TorchTensor | NumpyArray;

export interface StateDict {
  tensors: Map<string, PickledTensor>;
  /** What stands beside the model, as plain JSON values. */
  metadata: Record<string, unknown>;
}

/** Names under which checkpoints keep the model, in the order in which they are looked for. */
const MODEL_KEYS = ['model', 'state_dict', 'model_state_dict', 'module'];

/** OpenNMT-py keeps the output layer beside the model. */
const BESIDE_MODEL = 'generator';

/** Values may refer to each other in circles, or to one large one many times. */
const DEEPEST = 32;
const MOST_VALUES = 1_000_000;
/** In characters; a long name of a dictionary would come back in those of all its tensors. */
const LONGEST_NAME = 1000;

const isTensor = (value: PickleValue): value is PickledTensor =>
  value instanceof TorchTensor || value instanceof NumpyArray;

type Dictionary = Map<PickleValue, PickleValue>;

const isKey = (key: PickleValue): key is string | number => typeof key === 'string' || typeof key === 'number';

/** Counts what is visited, over a whole checkpoint. */
class Walk {
  #left = MOST_VALUES;

  constructor(readonly fail: Fail) {}

  visit(depth: number): void {
    if (--this.#left < 0) throw this.fail('its values refer to each other so often that they would be millions');
    if (depth > DEEPEST) throw this.fail(`its values are nested more than ${DEEPEST} deep`);
  }
}

/** What a container holds, by key; undefined where a value is none. */
function itemsOf(value: PickleValue): Iterable<readonly [PickleValue, PickleValue]> | undefined {
  if (value instanceof Map) return value;
  if (Array.isArray(value)) return value.entries();
  if (value instanceof PickleTuple) return value.items.entries();
  return undefined;
}

function collect(value: PickleValue, name: string, into: Map<string, PickledTensor>, walk: Walk, depth = 0): void {
  walk.visit(depth);
  if (isTensor(value)) {
    if (name.length > LONGEST_NAME) throw walk.fail(`a tensor's name has ${name.length} characters`);
    if (into.has(name)) throw walk.fail(`two tensors are called ${quoted(name)}`);
    into.set(name, value);
    return;
  }
  for (const [key, item] of itemsOf(value) ?? []) {
    if (isKey(key)) collect(item, name === '' ? String(key) : `${name}.${key}`, into, walk, depth + 1);
    else walk.visit(depth);
  }
}

function toFields(map: Dictionary, walk: Walk, depth: number): Record<string, unknown> {
  const fields: [string, unknown][] = [];
  for (const [key, item] of map) {
    const value = toJson(item, walk, depth + 1);
    if (isKey(key) && value !== undefined) fields.push([String(key), value]);
  }
  return Object.fromEntries(fields);
}

/** Plain JSON for what is not a tensor; undefined for tensors and bytes. */
function toJson(value: PickleValue, walk: Walk, depth = 0): unknown {
  walk.visit(depth);
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Map) return toFields(value, walk, depth);
  if (value instanceof PickleNamespace) return toFields(value.attributes, walk, depth);
  if (value instanceof PickleGlobal) return value.path;
  if (value instanceof PickleSet || value instanceof PickleTuple || Array.isArray(value)) {
    const items = Array.isArray(value) ? value : value.items;
    return items.map((item) => toJson(item, walk, depth + 1) ?? null);
  }
  return undefined;
}

/** The first of the known keys that holds tensors, with these. */
function findModel(root: Dictionary, walk: Walk): { key: string; tensors: Map<string, PickledTensor> } | undefined {
  for (const key of MODEL_KEYS) {
    const model = root.get(key);
    const tensors = new Map<string, PickledTensor>();
    if (model instanceof Map) collect(model, '', tensors, walk);
    if (tensors.size === 0) continue;
    const beside = root.get(BESIDE_MODEL);
    if (beside instanceof Map) collect(beside, BESIDE_MODEL, tensors, walk);
    return { key, tensors };
  }
  return undefined;
}

/**
 * Finds the model's tensors and what stands beside them.
 *
 * @throws UserError when there are no tensors, two have the same name, or values are nested without end
 */
export function readStateDict(root: PickleValue, fail: Fail): StateDict {
  const walk = new Walk(fail);
  const model = root instanceof Map ? findModel(root, walk) : undefined;
  const tensors = model?.tensors ?? new Map<string, PickledTensor>();
  if (model === undefined) collect(root, isTensor(root) ? 'tensor' : '', tensors, walk);
  if (tensors.size === 0)
    throw fail('it holds no tensors', 'A checkpoint is a dictionary of tensors, or has one under "model".');
  const beside = root instanceof Map ? new Map([...root].filter(([key]) => key !== model?.key)) : new Map();
  return { tensors, metadata: toJson(beside, walk) as Record<string, unknown> };
}
