/**
 * CTranslate2's model.bin, binary version 6. All numbers are little-endian; a text is its length with a closing zero
 * byte (uint16), its bytes and the zero byte:
 *
 *     uint32 version (6)
 *     text   name of the model's specification, e.g. "TransformerDecoderSpec"
 *     uint32 revision of the specification
 *     uint32 number of variables, then for each:
 *       text   name, scopes separated by "/": "decoder/layer_0/ffn/linear_0/weight"
 *       uint8  number of dimensions, then a uint32 for each
 *       uint8  element type: 0 float32, 1 int8, 2 int16, 3 int32, 4 float16, 5 bfloat16
 *       uint32 bytes of the elements, then the elements, row-major
 *     uint32 number of aliases, then for each:
 *       text   alias
 *       text   name of the variable that it stands for
 *
 * Weights are [out, in]. A quantised weight W is int8 with one scale per row, or int16 with one scale, in the variable
 * "<name>_scale": stored = round(W scale), so W = stored / scale.
 * Sources: CTranslate2's python/ctranslate2/specs/model_spec.py (`_serialize`, `_quantize`) and src/models/model.cc.
 */
import { FileCursor } from '../bytes/file-cursor.js';
import type { OpenFile } from '../bytes/open-file.js';
import { bytesOf, countOf, type ElementType, elementOf, isShape } from '../elements.js';
import { type Fail, failAt, failTensor, quoted } from '../format-error.js';
import { readView } from '../read-view.js';
import { entryOf, type LoadedTensor, type StoredEntry, type TensorSource } from '../tensor-source.js';

const VERSION = 6;
const TYPES: readonly ElementType[] = ['F32', 'I8', 'I16', 'I32', 'F16', 'BF16'];
const SCALE_SUFFIX = '_scale';

interface Variable extends StoredEntry {
  scale?: StoredEntry;
}

async function readText(cursor: FileCursor): Promise<string> {
  const length = await cursor.uint16();
  const bytes = await cursor.take(length);
  if (length === 0 || bytes.indexOf(0) !== length - 1)
    throw cursor.fail(`damaged file: no text at byte ${cursor.position - length}`);
  return bytes.toString('utf8', 0, length - 1);
}

async function readVariable(cursor: FileCursor): Promise<StoredEntry> {
  const name = await readText(cursor);
  const fail = failTensor(cursor.fail, name);
  const dimensions = await cursor.uint8();
  const sizes = await cursor.take(4 * dimensions);
  const shape = Array.from({ length: dimensions }, (_, axis) => sizes.readUInt32LE(4 * axis));
  if (!isShape(shape)) throw fail(`it has ${dimensions} dimensions, more than 64`);
  const type = await cursor.uint8();
  const dtype = TYPES[type];
  if (dtype === undefined) throw fail(`its element type is ${type}; known are 0 to ${TYPES.length - 1}`);
  const bytes = await cursor.uint32();
  if (bytes !== bytesOf(dtype, shape))
    throw fail(`${dtype} [${shape.join(', ')}] takes ${bytesOf(dtype, shape)} bytes, but ${bytes} are stated`);
  return { name, dtype, shape, reads: elementOf(dtype).reads, bytes, start: cursor.skip(bytes) };
}

async function readVariables(cursor: FileCursor): Promise<Map<string, StoredEntry>> {
  const variables = new Map<string, StoredEntry>();
  for (let left = await cursor.uint32(); left > 0; left--) {
    const variable = await readVariable(cursor);
    if (variables.has(variable.name)) throw failTensor(cursor.fail, variable.name)('it is there twice');
    variables.set(variable.name, variable);
  }
  return variables;
}

/** Weights with a scale become floats, and their scales are no tensors of their own any more. */
function joinScales(stored: ReadonlyMap<string, StoredEntry>, fail: Fail): Map<string, Variable> {
  const variables = new Map<string, Variable>(stored);
  for (const [name, variable] of stored) {
    const scale = stored.get(name + SCALE_SUFFIX);
    if (scale === undefined || (variable.dtype !== 'I8' && variable.dtype !== 'I16')) continue;
    const count = countOf(scale.shape);
    if (scale.reads !== 'float32' || (count !== 1 && count !== variable.shape[0]))
      throw failTensor(
        fail,
        name,
      )(
        `its scale is ${scale.dtype} [${scale.shape.join(', ')}]; expected one float, or one for each of its ${variable.shape[0]} rows`,
      );
    variables.set(name, { ...variable, reads: 'float32', scale });
    variables.delete(scale.name);
  }
  return variables;
}

async function readAliases(cursor: FileCursor, variables: Map<string, Variable>): Promise<void> {
  for (let left = await cursor.uint32(); left > 0; left--) {
    const name = await readText(cursor);
    const target = await readText(cursor);
    const variable = variables.get(target);
    const fail = failTensor(cursor.fail, name);
    if (variable === undefined) throw fail(`it stands for ${quoted(target)}, which is not there`);
    if (variables.has(name)) throw fail('it is there twice');
    variables.set(name, { ...variable, name, tiedTo: variable.tiedTo ?? target });
  }
}

/** stored / scale, with one scale for all or for each row. [rows, ...] */
async function dequantise(file: OpenFile, variable: Variable, scale: StoredEntry, fail: Fail): Promise<LoadedTensor> {
  const { data: scales } = await readView(file, scale, fail);
  const { shape, data } = await readView(file, { ...variable, as: 'float32' }, fail);
  const perScale = data.length / scales.length;
  for (let row = 0, i = 0; row < scales.length; row++)
    for (const end = (row + 1) * perScale; i < end; i++) data[i] = data[i]! / scales[row]!;
  return { shape, dtype: 'float32', data };
}

/**
 * Opens a model.bin. Quantised weights are read as the floats they stand for.
 *
 * @throws UserError when the file is damaged, truncated or of another version
 */
export async function openCTranslate2(file: OpenFile): Promise<TensorSource> {
  const fail = failAt(file.path);
  const cursor = new FileCursor(file, fail);
  const version = await cursor.uint32();
  if (version !== VERSION)
    throw fail(
      `binary version ${version}; only ${VERSION} is read`,
      'Convert the model again with CTranslate2 3 or 4.',
    );
  const spec = await readText(cursor);
  const revision = await cursor.uint32();
  const entries = joinScales(await readVariables(cursor), fail);
  await readAliases(cursor, entries);
  if (cursor.position !== file.size)
    throw fail(`${file.size - cursor.position} bytes follow the aliases; expected the file to end there`);
  return {
    path: file.path,
    format: 'ctranslate2',
    files: [file.path],
    entries,
    metadata: { version, spec, revision },
    async read(name) {
      const entry = entryOf(entries, name, fail);
      const failHere = failTensor(fail, name);
      if (entry.scale === undefined) return readView(file, entry, failHere);
      return dequantise(file, entry, entry.scale, failHere);
    },
    close: () => file.close(),
  };
}
