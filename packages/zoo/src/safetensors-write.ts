/** Writing safetensors files (F32 and I32), atomically and without a second copy of the tensors in memory. */
import { open } from 'node:fs/promises';
import { UserError, writeFileAtomicWith } from '@t2r/core';
import type { HostTensor } from '@t2r/engine';

/** Header bytes with the length in front, padded with spaces so that the tensors start at a multiple of 8. */
function encodeHeader(tensors: Readonly<Record<string, HostTensor>>, metadata: Readonly<Record<string, string>>) {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let offset = 0;
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    if (data.length !== shape.reduce((a, b) => a * b, 1))
      throw new UserError(`tensor "${name}" has ${data.length} values, but its shape is [${shape.join(', ')}]`);
    const dtype = data instanceof Float32Array ? 'F32' : 'I32';
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = Buffer.alloc(8 + padded, ' ');
  bytes.writeBigUInt64LE(BigInt(padded), 0);
  json.copy(bytes, 8);
  return bytes;
}

/**
 * Writes tensors in the given order: Float32Array as F32, Int32Array as I32. The file appears under `path` only when it
 * is complete.
 *
 * @param metadata strings kept in the header under `__metadata__`
 * @throws UserError when a tensor's length does not fit its shape, or the disk is full or the folder not writable
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, HostTensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header = encodeHeader(tensors, metadata);
  await writeFileAtomicWith(path, async (temporary) => {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(header);
      for (const { data } of Object.values(tensors))
        await handle.writeFile(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } finally {
      await handle.close();
    }
  });
}
