/** Tensors of one naming seen through the other: each is made when it is read, from what it is made of. */
import type { ParameterSpec } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { type NamedPair, type NameMap, pairNames, pairsOfFile } from './names.js';
import type { TensorDescription, TensorReader } from './types.js';

/** A tensor that is made when its turn comes. */
export interface ConvertedTensor {
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

const floats = (data: Float32Array | Int32Array) => (data instanceof Float32Array ? data : Float32Array.from(data));

/**
 * A checkpoint under this project's names. Of a tensor that holds several of them, the parts not read yet are kept until
 * another one is read, so that reading in order reads everything once.
 *
 * @throws UserError naming tensors that are missing, unexpected or of another shape
 */
export function importTensors(
  reader: TensorReader,
  map: NameMap,
  parameters: readonly ParameterSpec[],
  layers: number,
): TensorReader {
  const pairs = pairsOfFile(map, pairNames(map, parameters, layers), reader);
  const sources = new Map<string, { pair: NamedPair; part: number }>();
  for (const pair of pairs) for (const [part, { name }] of pair.ours.entries()) sources.set(name, { pair, part });
  let split: { pair: NamedPair; parts: (Float32Array | undefined)[] } | undefined;
  const partsOf = async (pair: NamedPair, part: number) => {
    if (split?.pair === pair && split.parts[part] !== undefined) return split.parts;
    split = undefined;
    const { data } = await reader.read(pair.theirs);
    const shapes = pair.ours.map(({ shape }) => shape);
    split = { pair, parts: pair.transform.split(floats(data), shapes) };
    return split.parts;
  };
  return {
    path: reader.path,
    // What one tensor of the file holds stands together.
    entries: new Map(
      pairs
        .flatMap(({ ours }) => ours)
        .map(({ name, shape }): [string, TensorDescription] => [name, { dtype: 'F32', shape: [...shape] }]),
    ),
    async read(name) {
      const source = sources.get(name);
      if (source === undefined) throw new UserError(`${reader.path}: the model has no parameter "${name}"`);
      const { pair, part } = source;
      const parts = await partsOf(pair, part);
      const data = parts[part]!;
      parts[part] = undefined;
      return { shape: [...pair.ours[part]!.shape], data };
    },
  };
}

/** This project's tensors under the names of an architecture, in the order of its rules. */
export function exportTensors(
  read: (name: string) => Promise<Float32Array>,
  map: NameMap,
  parameters: readonly ParameterSpec[],
  layers: number,
): Record<string, ConvertedTensor> {
  const tensors: Record<string, ConvertedTensor> = {};
  for (const { theirs, ours, transform } of pairNames(map, parameters, layers)) {
    const shapes = ours.map(({ shape }) => shape);
    tensors[theirs] = {
      shape: transform.shape(shapes),
      async read() {
        const parts: Float32Array[] = [];
        for (const { name } of ours) parts.push(await read(name));
        return transform.join(parts, shapes);
      },
    };
  }
  for (const { name, of, written } of map.tied ?? []) if (written) tensors[name] = tensors[of]!;
  return tensors;
}
