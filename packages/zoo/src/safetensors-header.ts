/**
 * The header of a safetensors file: 8 bytes with the length of a JSON object (little-endian), then that object, then the
 * tensors' bytes back to back. Format: https://github.com/huggingface/safetensors ("Format"). Everything the header says
 * is checked before any tensor is read, because a wrong offset would otherwise give silently wrong weights.
 */
import { UserError } from '@t2r/core';

/** Bytes of one element by the name the format gives a type. */
const ELEMENT_BYTES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, U8: 1, BOOL: 1 } as const;

/** Element types that are read; all become Float32Array or Int32Array. */
export type SafetensorsDType = keyof typeof ELEMENT_BYTES;

/** Where one tensor lies in its file. */
export interface SafetensorsEntry {
  name: string;
  dtype: SafetensorsDType;
  shape: number[];
  /** First byte in the file. */
  start: number;
  bytes: number;
}

export interface SafetensorsHeader {
  entries: Map<string, SafetensorsEntry>;
  metadata: Record<string, string>;
}

/** The format's own limit on the header. */
export const MAX_HEADER_BYTES = 100_000_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** An error about a safetensors file, with its path in front. */
export function safetensorsError(
  path: string,
  what: string,
  hint = 'Write or download the file again; a run makes a step anew with --force.',
): UserError {
  return new UserError(`${path}: ${what}`, { location: { file: path }, hint });
}

function parseEntry(path: string, name: string, value: unknown, dataStart: number): SafetensorsEntry {
  const fail = (what: string) => safetensorsError(path, `tensor "${name}": ${what}`);
  if (!isObject(value)) throw fail('its header entry is not an object { dtype, shape, data_offsets }');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw safetensorsError(
      path,
      `tensor "${name}": cannot read element type ${JSON.stringify(dtype)}; known are ${Object.keys(ELEMENT_BYTES).join(', ')}`,
      'Convert the tensor to one of these types first.',
    );
  if (!Array.isArray(shape) || !shape.every(isSize)) throw fail('its shape is not a list of sizes >= 0');
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize) || offsets[0]! > offsets[1]!)
    throw fail('its data_offsets are not [begin, end] with begin <= end');
  const [begin, end] = offsets as [number, number];
  const expected = shape.reduce((a, b) => a * b, ELEMENT_BYTES[dtype as SafetensorsDType]);
  if (end - begin !== expected)
    throw fail(`${dtype} [${shape.join(', ')}] takes ${expected} bytes, but data_offsets span ${end - begin}`);
  return { name, dtype: dtype as SafetensorsDType, shape: [...shape], start: dataStart + begin, bytes: end - begin };
}

function parseMetadata(path: string, value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === 'string'))
    throw safetensorsError(path, '__metadata__ in the header is not an object of strings');
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
export function parseSafetensorsHeader(path: string, json: Uint8Array, fileBytes: number): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw new UserError(`${path}: the header is not valid JSON: ${(cause as Error).message}`, {
      location: { file: path },
      hint: 'This is not a safetensors file, or it is damaged.',
      cause,
    });
  }
  if (!isObject(parsed)) throw safetensorsError(path, 'the header is not a JSON object');
  const { __metadata__: metadata, ...tensors } = parsed;
  const dataStart = 8 + json.length;
  const entries = Object.entries(tensors).map(([name, value]) => parseEntry(path, name, value, dataStart));
  const inOrder = [...entries].sort((a, b) => a.start - b.start || a.bytes - b.bytes);
  let position = dataStart;
  let previous: SafetensorsEntry | undefined;
  for (const entry of inOrder) {
    if (entry.start < position)
      throw safetensorsError(path, `tensor "${entry.name}" overlaps tensor "${previous?.name}"`);
    if (entry.start > position)
      throw safetensorsError(path, `${entry.start - position} unused bytes lie before tensor "${entry.name}"`);
    position += entry.bytes;
    if (position > fileBytes)
      throw safetensorsError(
        path,
        `the file is truncated: tensor "${entry.name}" ends at byte ${position}, but the file has ${fileBytes} bytes`,
      );
    previous = entry;
  }
  if (position !== fileBytes)
    throw safetensorsError(
      path,
      `${fileBytes - position} bytes follow the last tensor; expected the file to end there`,
    );
  return { entries: new Map(entries.map((entry) => [entry.name, entry])), metadata: parseMetadata(path, metadata) };
}
