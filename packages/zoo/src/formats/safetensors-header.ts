/**
 * The header of a safetensors file: 8 bytes with the length of a JSON object (little-endian), then that object, then the
 * tensors' bytes back to back. Format: https://github.com/huggingface/safetensors ("Format"). Everything the header says
 * is checked before any tensor is read, because a wrong offset would otherwise give silently wrong weights.
 */
import { bytesOf, ELEMENT_TYPES, elementOf, isElementType, isShape, isSize } from '../elements.js';
import { type Fail, failTensor, quoted } from '../format-error.js';
import type { StoredEntry } from '../tensor-source.js';

export interface SafetensorsHeader {
  /** By name; `start` is the first byte in the file. */
  entries: Map<string, StoredEntry>;
  metadata: Record<string, string>;
}

/** The format's own limit on the header. */
export const MAX_HEADER_BYTES = 100_000_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseEntry(name: string, value: unknown, dataStart: number, fail: Fail): StoredEntry {
  if (!isObject(value)) throw fail('its header entry is not an object { dtype, shape, data_offsets }');
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isElementType(dtype))
    throw fail(
      `cannot read element type ${typeof dtype === 'string' ? quoted(dtype) : typeof dtype}; known are ${ELEMENT_TYPES.join(', ')}`,
      'Convert the tensor to one of these types first.',
    );
  if (!isShape(shape)) throw fail('its shape is not a list of at most 64 sizes >= 0');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0]! > offsets[1]!)
    throw fail('its data_offsets are not [begin, end] with begin <= end');
  const [begin, end] = offsets as [number, number];
  const expected = bytesOf(dtype, shape);
  if (end - begin !== expected)
    throw fail(`${dtype} [${shape.join(', ')}] takes ${expected} bytes, but data_offsets span ${end - begin}`);
  return { name, dtype, shape, reads: elementOf(dtype).reads, bytes: end - begin, start: dataStart + begin };
}

function parseMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string'))
    throw fail('__metadata__ in the header is not an object of strings');
  return value as Record<string, string>;
}

/**
 * Parses and checks a header.
 *
 * @param json the header's bytes, without the length in front
 * @param fileBytes size of the whole file
 * @throws UserError naming the file and the tensor: bad JSON, an unknown type, a size that does not fit the shape,
 *   overlapping tensors, gaps, offsets beyond the end of the file (a truncated file)
 */
export function parseSafetensorsHeader(json: Uint8Array, fileBytes: number, fail: Fail): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw fail(
      `the header is not valid JSON: ${(cause as Error).message}`,
      'This is not a safetensors file, or it is damaged.',
    );
  }
  if (!isObject(parsed)) throw fail('the header is not a JSON object');
  const { __metadata__: metadata, ...tensors } = parsed;
  const dataStart = 8 + json.length;
  const entries = Object.entries(tensors).map(([name, value]) =>
    parseEntry(name, value, dataStart, failTensor(fail, name)),
  );
  const inOrder = [...entries].sort((a, b) => a.start - b.start || a.bytes - b.bytes);
  let position = dataStart;
  let previous: StoredEntry | undefined;
  for (const entry of inOrder) {
    if (entry.start < position) throw failTensor(fail, entry.name)(`it overlaps tensor ${quoted(previous!.name)}`);
    if (entry.start > position)
      throw failTensor(fail, entry.name)(`${entry.start - position} unused bytes lie before it`);
    position += entry.bytes;
    if (position > fileBytes)
      throw fail(
        `the file is truncated: tensor ${quoted(entry.name)} ends at byte ${position}, but the file has ${fileBytes} bytes`,
      );
    previous = entry;
  }
  if (position !== fileBytes)
    throw fail(`${fileBytes - position} bytes follow the last tensor; expected the file to end there`);
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), metadata: parseMetadata(metadata, fail) };
}
