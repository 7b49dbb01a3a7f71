/** Reading safetensors files tensor by tensor: only the header and the tensor asked for are in memory. */
import { type FileHandle, open } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import type { HostTensor } from '@t2r/engine';
import { bfloat16ToFloat32, float16ToFloat32 } from './half.js';
import {
  MAX_HEADER_BYTES,
  parseSafetensorsHeader,
  type SafetensorsDType,
  type SafetensorsEntry,
  safetensorsError,
} from './safetensors-header.js';

/** A host tensor with its element type given: 'float32' or 'int32'. */
export type LoadedTensor = Required<HostTensor>;

/** An open file. Close it when done. */
export interface SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** By name, in the header's order. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  /**
   * One tensor, row-major. F64, F32, F16 and BF16 become float32; I64, I32, U8 and BOOL become int32.
   *
   * @throws UserError when there is no such tensor or an I64 value does not fit 32 bits
   */
  read(name: string): Promise<LoadedTensor>;
  close(): Promise<void>;
}

async function readExactly(handle: FileHandle, path: string, start: number, into: Uint8Array): Promise<void> {
  let done = 0;
  while (done < into.length) {
    // Some systems refuse reads of 2 GiB and more in one call.
    const length = Math.min(into.length - done, 1 << 30);
    const { bytesRead } = await handle.read(into, done, length, start + done);
    if (bytesRead === 0)
      throw safetensorsError(
        path,
        `the file is truncated: expected ${into.length} bytes at byte ${start}, got ${done}`,
      );
    done += bytesRead;
  }
}

/** Raw little-endian bytes (aligned to 8) to the array the engine works with. */
function convert(path: string, { name, dtype }: SafetensorsEntry, buffer: ArrayBuffer): Float32Array | Int32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer);
    case 'F64':
      return Float32Array.from(new Float64Array(buffer));
    case 'F16':
      return float16ToFloat32(new Uint16Array(buffer));
    case 'BF16':
      return bfloat16ToFloat32(new Uint16Array(buffer));
    case 'I32':
      return new Int32Array(buffer);
    case 'U8':
    case 'BOOL':
      return Int32Array.from(new Uint8Array(buffer));
    case 'I64':
      return Int32Array.from(new BigInt64Array(buffer), (value) => {
        if (BigInt.asIntN(32, value) !== value)
          throw safetensorsError(
            path,
            `tensor "${name}": value ${value} does not fit 32 bits`,
            'Store smaller values.',
          );
        return Number(value);
      });
  }
}

const isFloat = (dtype: SafetensorsDType) => dtype.includes('F');

/**
 * Opens a file and checks its header.
 *
 * @throws UserError when the file is missing, is not a safetensors file or is damaged
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw new UserError(`cannot open ${path}: ${(cause as Error).message}`, { location: { file: path }, cause });
  }
  try {
    const { size } = await handle.stat();
    if (size < 8)
      throw safetensorsError(path, `the file is truncated: ${size} bytes, a safetensors file has 8 or more`);
    const prefix = new BigUint64Array(1);
    await readExactly(handle, path, 0, new Uint8Array(prefix.buffer));
    const headerBytes = prefix[0]!;
    if (headerBytes > BigInt(MAX_HEADER_BYTES))
      throw safetensorsError(path, `the header's length is given as ${headerBytes} bytes: not a safetensors file`);
    if (headerBytes > BigInt(size - 8))
      throw safetensorsError(
        path,
        `the file is truncated: the header takes ${headerBytes} bytes, ${size - 8} are there`,
      );
    const json = new Uint8Array(Number(headerBytes));
    await readExactly(handle, path, 8, json);
    const { entries, metadata } = parseSafetensorsHeader(path, json, size);
    return {
      path,
      metadata,
      entries,
      async read(name) {
        const entry = entries.get(name);
        if (entry === undefined) throw safetensorsError(path, `there is no tensor "${name}"`, 'Check the name.');
        const buffer = new ArrayBuffer(entry.bytes);
        await readExactly(handle, path, entry.start, new Uint8Array(buffer));
        const data = convert(path, entry, buffer);
        return { shape: entry.shape, dtype: isFloat(entry.dtype) ? 'float32' : 'int32', data };
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a whole file: all tensors by name, and the metadata. Errors as `openSafetensors`. */
export async function readSafetensors(
  path: string,
): Promise<{ tensors: Record<string, LoadedTensor>; metadata: Readonly<Record<string, string>> }> {
  const file = await openSafetensors(path);
  try {
    const tensors: Record<string, LoadedTensor> = {};
    for (const name of file.entries.keys()) tensors[name] = await file.read(name);
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}
