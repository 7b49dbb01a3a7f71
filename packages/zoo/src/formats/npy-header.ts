/**
 * The header of a NumPy array file: a magic text, the version, the length of a Python dictionary, and the dictionary
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }` as text. Format: numpy.lib.format, versions 1 to 3.
 */
import type { ByteSource } from '../bytes/byte-source.js';
import { FileCursor } from '../bytes/file-cursor.js';
import { bytesOf, countOf, type ElementType, elementOf, isShape } from '../elements.js';
import { type Fail, quoted } from '../format-error.js';
import type { StoredView } from '../read-view.js';

export const NPY_MAGIC = '\x93NUMPY';

/** NumPy itself reads no longer ones from files that it does not trust. */
const LONGEST_HEADER = 10_000;

const TYPES: Readonly<Record<string, ElementType>> = {
  f2: 'F16',
  f4: 'F32',
  f8: 'F64',
  i1: 'I8',
  i2: 'I16',
  i4: 'I32',
  i8: 'I64',
  u1: 'U8',
  u2: 'U16',
  u4: 'U32',
  u8: 'U64',
  b1: 'BOOL',
};

/** The element type that a description like "<f4" names; undefined for any other than numbers and booleans. */
export function elementOfDescr(descr: string): Pick<StoredView, 'dtype' | 'bigEndian'> | undefined {
  const [, order, type] = /^([<>|=]?)([fiub]\d)$/.exec(descr) ?? [];
  if (type === undefined || !Object.hasOwn(TYPES, type)) return undefined;
  return { dtype: TYPES[type]!, bigEndian: order === '>' };
}

/** Three keys with their values; no blank can belong to two parts of it, so that matching takes linear time. */
const DICTIONARY =
  /^\{\s*(?:'(?:descr|fortran_order|shape)'\s*:\s*(?:'[^']*'|True|False|\([\d\sL,]*\)|\[[^\]]*\])(?:\s*,)?\s*){3}\}$/;

/** Values of the three keys, as the text has them. */
function parseDictionary(text: string): { descr: string; fortran: string; shape: string } | undefined {
  if (!DICTIONARY.test(text)) return undefined;
  const descr = /'descr'\s*:\s*('[^']*'|\[[^\]]*\])/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d\sL,]*)\)/.exec(text)?.[1];
  if (descr === undefined || fortran === undefined || shape === undefined) return undefined;
  return { descr, fortran, shape };
}

/** Order of elements in Fortran: the first dimension moves fastest. */
export function columnMajor(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((size) => {
    const own = stride;
    stride *= size;
    return own;
  });
}

/**
 * Reads the header of an array and checks that its elements are there.
 *
 * @throws UserError when it is none, or the array is of something else than numbers or booleans
 */
export async function readNpyHeader(source: ByteSource, fail: Fail): Promise<StoredView> {
  const cursor = new FileCursor(source, fail, 0);
  if (source.size < 10 || (await cursor.take(6)).toString('latin1') !== NPY_MAGIC)
    throw fail('it does not begin as an array does');
  const version = (await cursor.uint16()) & 0xff;
  if (version < 1 || version > 3)
    throw fail(`version ${version} of the array format is not known`, 'Known are 1 to 3.');
  const length = version === 1 ? await cursor.uint16() : await cursor.uint32();
  if (length > LONGEST_HEADER) throw fail(`its header has ${length} bytes, more than ${LONGEST_HEADER}`);
  const text = (await cursor.take(length)).toString('utf8').trim();
  const found = parseDictionary(text);
  if (found === undefined) throw fail(`its header is not one: ${quoted(text)}`);
  const element = elementOfDescr(found.descr.slice(1, -1));
  if (element === undefined)
    throw fail(
      `cannot read elements of type ${quoted(found.descr)}`,
      'Numbers of 1, 2, 4 and 8 bytes and booleans are read; arrays of Python objects never are.',
    );
  const sizes = found.shape.split(',').filter((size) => size.trim() !== '');
  const shape = sizes.map((size) => Number(size.replace(/L\s*$/, '')));
  if (!isShape(shape)) throw fail(`its shape (${found.shape}) is not a list of at most 64 sizes`);
  const start = cursor.position;
  const bytes = bytesOf(element.dtype, shape);
  if (start + bytes !== source.size)
    throw fail(`its elements take ${bytes} bytes, but ${source.size - start} follow the header`);
  const fortran = found.fortran === 'True' && countOf(shape) > 0;
  return { ...element, shape, start, ...(fortran ? { strides: columnMajor(shape) } : {}) };
}

/** What `entries` tell of an array. */
export const entryOfView = (name: string, view: StoredView) => ({
  ...view,
  name,
  reads: elementOf(view.dtype).reads,
  bytes: bytesOf(view.dtype, view.shape),
});
