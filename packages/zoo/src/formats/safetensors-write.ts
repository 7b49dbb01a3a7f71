/** Writing safetensors files (F32 and I32), atomically and one tensor after the other. */
import { type FileHandle, open } from 'node:fs/promises';
import { UserError, writeFileAtomicWith } from '@t2r/core';
import type { HostArray, HostTensor } from '@t2r/engine';
import { countOf } from '../elements.js';

/** A tensor that is only made when its turn comes, so that not all of them have to be in memory. */
export interface LazyTensor {
  shape: readonly number[];
  /** Default 'float32'. */
  dtype?: 'float32' | 'int32';
  read(): Promise<HostArray>;
}

const METADATA = '__metadata__';

export type WritableTensor = HostTensor | LazyTensor;

const typeOf = (tensor: WritableTensor) => {
  const integers = 'data' in tensor ? tensor.data instanceof Int32Array : tensor.dtype === 'int32';
  return integers ? 'I32' : 'F32';
};

/** Bytes that a tensor takes in the file. */
export const bytesToWrite = ({ shape }: WritableTensor) => 4 * countOf(shape);

function checkFit(name: string, { shape }: WritableTensor, data: HostArray): void {
  if (data.length !== countOf(shape))
    throw new UserError(`tensor "${name}" has ${data.length} values, but its shape is [${shape.join(', ')}]`);
}

/** Header bytes with the length in front, padded with spaces so that the tensors start at a multiple of 8. */
function encodeHeader(tensors: Readonly<Record<string, WritableTensor>>, metadata: Readonly<Record<string, string>>) {
  let offset = 0;
  const entries = Object.entries(tensors).map(([name, tensor]) => {
    if (name === METADATA) throw new UserError(`no tensor of a safetensors file can be called "${METADATA}"`);
    if ('data' in tensor) checkFit(name, tensor, tensor.data);
    const begin = offset;
    offset += bytesToWrite(tensor);
    return [name, { dtype: typeOf(tensor), shape: tensor.shape, data_offsets: [begin, offset] }];
  });
  const head = Object.keys(metadata).length > 0 ? [[METADATA, metadata]] : [];
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...head, ...entries])));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(bytes, 8);
  return bytes;
}

async function writeTensor(handle: FileHandle, name: string, tensor: WritableTensor): Promise<void> {
  const data = 'data' in tensor ? tensor.data : await tensor.read();
  checkFit(name, tensor, data);
  if (typeOf(tensor) !== typeOf({ shape: tensor.shape, data }))
    throw new UserError(`tensor "${name}" was announced as ${tensor.dtype ?? 'float32'} and is another type`);
  await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

/**
 * Writes tensors in the given order: Float32Array as F32, Int32Array as I32. The file appears under `path` only when it
 * is complete.
 *
 * @param tensors by name; those with a `read` are asked for their values one after the other
 * @param metadata strings kept in the header under `__metadata__`
 * @throws UserError when a tensor's length does not fit its shape, or the disk is full or the folder not writable
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, WritableTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await writeFileAtomicWith(path, async (temporary) => {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(header);
      for (const [name, tensor] of Object.entries(tensors)) await writeTensor(handle, name, tensor);
    } finally {
      await handle.close();
    }
  });
}
