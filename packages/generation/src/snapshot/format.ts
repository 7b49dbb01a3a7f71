/**
 * The file of a state, format 2. It needs neither Node nor an engine, so a state saved by one can go on in the other.
 *
 *     0   8 bytes   "T2RSTATE"
 *     8   uint32    version of the format, 2
 *    12   uint32    bytes of the header
 *    16   uint64    bytes of the file
 *    24   header    JSON in UTF-8: model_hash, dtype, position, pending, text, tensors [{ name, shape, offset }]
 *         zeros     up to a multiple of 8
 *         tensors   float32, row-major, one after another; offsets count from the first one's beginning
 *         32 bytes  SHA-256 of everything before
 *
 * All numbers are little-endian. Version 1 differs in what the tensors are: linear attention kept z apart from S.
 */
import { UserError } from '@t2r/core/errors';
import { readHeader, type SnapshotHeader } from './header.js';
import type { StateSnapshot } from './snapshot.js';

const MAGIC = 'T2RSTATE';
const VERSION = 2;
const PREFIX = 24;
const DIGEST = 32;
const ALIGNMENT = 8;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

export interface SnapshotOptions {
  /** SHA-256 over configuration and weights of the model, in hex (`generator.modelHash`, or `model_hash` of an exported one). */
  modelHash: string;
  /**
   * How the weights were stored that the state was computed with. Of any it is a state of the same model, but only the same
   * weights continue with the same tokens. Encoding: default fp32. Decoding: another one is refused; default: any.
   */
  dtype?: string;
}

const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

const digestOf = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));

/** Writes a state to bytes. */
export async function encodeSnapshot(
  { position, state, pending = [], text }: StateSnapshot,
  { modelHash, dtype = 'fp32' }: SnapshotOptions,
): Promise<Uint8Array> {
  let offset = 0;
  const tensors = Object.entries(state).map(([name, { shape, data }]) => {
    const placed = { name, shape: [...shape], offset };
    offset += data.length * FLOAT;
    return placed;
  });
  const header: SnapshotHeader = { model_hash: modelHash, dtype, position, pending: [...pending], text, tensors };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = aligned(PREFIX + json.length);
  const size = start + offset + DIGEST;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, VERSION, true);
  view.setUint32(12, json.length, true);
  view.setBigUint64(16, BigInt(size), true);
  bytes.set(json, PREFIX);
  for (const { name, offset: at } of tensors) {
    const { data } = state[name]!;
    for (let i = 0; i < data.length; i++) view.setFloat32(start + at + i * FLOAT, data[i]!, true);
  }
  bytes.set(await digestOf(bytes.subarray(0, size - DIGEST)), size - DIGEST);
  return bytes;
}

/**
 * Reads a state from bytes.
 *
 * @throws UserError for a file of something else or of another version, a truncated or damaged one, and the state of another
 *   model or dtype.
 */
export async function decodeSnapshot(bytes: Uint8Array, expected: SnapshotOptions): Promise<StateSnapshot> {
  const { header, start } = await checkedHeader(bytes);
  refuseOther(header, expected);
  const { position, pending, text, tensors } = header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - DIGEST;
  const state = Object.fromEntries(
    tensors.map(({ name, shape, offset }) => {
      const length = shape.reduce((product, size) => product * size, 1);
      const from = start + offset;
      if (from + length * FLOAT > end)
        throw new UserError(`state file: tensor ${name} reaches past the end of the file`);
      const data = new Float32Array(length);
      for (let i = 0; i < length; i++) data[i] = view.getFloat32(from + i * FLOAT, true);
      return [name, { shape, data }];
    }),
  );
  return { position, state, pending, ...(text !== undefined && { text }) };
}

/** The header of a file that is whole and undamaged, and where its tensors begin. */
async function checkedHeader(bytes: Uint8Array): Promise<{ header: SnapshotHeader; start: number }> {
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) {
    throw new UserError('this is not a state file: it does not begin with T2RSTATE', {
      hint: 'States are written by t2r generate --save-state, and by pages and servers of this project.',
    });
  }
  const damaged = 'Save the state again.';
  if (bytes.length < PREFIX + DIGEST) {
    throw new UserError(`the state file is truncated: it has ${bytes.length} bytes`, { hint: damaged });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(8, true);
  if (version !== VERSION) {
    throw new UserError(`the state file has version ${version} of the format; this release reads version ${VERSION}`, {
      hint: 'Use the release that wrote it, or read the text again and save its state.',
    });
  }
  const size = view.getBigUint64(16, true);
  if (size !== BigInt(bytes.length)) {
    const what = size > bytes.length ? 'is truncated' : 'has something after its end';
    throw new UserError(`the state file ${what}: it has ${bytes.length} bytes, and says that it has ${size}`, {
      hint: damaged,
    });
  }
  const end = bytes.length - DIGEST;
  const digest = await digestOf(bytes.subarray(0, end));
  if (!digest.every((byte, i) => byte === bytes[end + i])) {
    throw new UserError('the state file is damaged: its SHA-256 does not fit its contents', { hint: damaged });
  }
  const length = view.getUint32(12, true);
  const header = readHeader(bytes.subarray(PREFIX, Math.min(PREFIX + length, end)));
  return { header, start: aligned(PREFIX + length) };
}

function refuseOther(header: SnapshotHeader, { modelHash, dtype }: SnapshotOptions): void {
  if (header.model_hash !== modelHash) {
    const short = (hash: string) => hash.slice(0, 12);
    throw new UserError(
      `the state is of another model: of ${short(header.model_hash)}..., and this one is ${short(modelHash)}...`,
      { hint: 'A state goes on only with the model that made it; open that one, or read the text again.' },
    );
  }
  if (dtype !== undefined && header.dtype !== dtype) {
    throw new UserError(`the state was computed with ${header.dtype} weights, and the model is opened with ${dtype}`, {
      hint: `Open the model with dtype ${header.dtype}.`,
    });
  }
}
