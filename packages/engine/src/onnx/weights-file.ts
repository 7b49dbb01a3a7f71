/** Tensors in a file of their own, for one .onnx file or for several that share weights. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { writeFileAtomicWith } from '@t2r/core';
import type { ExternalPlace } from './model-file.js';

/** A file that is being written. */
export interface WeightsFile {
  /** Where these bytes lie in the file; equal ones are written once. */
  place(data: Uint8Array): Promise<ExternalPlace>;
}

/** Tensors begin at multiples of this, so that runtimes can map the file into memory. */
const ALIGNMENT = 4096;

/**
 * Writes a file of tensors, which is there once `fill` is done. The .onnx files that refer to it lie in the same folder.
 *
 * @throws UserError where it cannot be written
 */
export async function writeWeightsFile(path: string, fill: (file: WeightsFile) => Promise<void>): Promise<void> {
  await writeFileAtomicWith(path, async (temporary) => {
    const handle = await open(temporary, 'w');
    try {
      await fill(placing(handle, basename(path)));
    } finally {
      await handle.close();
    }
  });
}

function placing(handle: FileHandle, file: string): WeightsFile {
  /** Offsets by the SHA-256 of what lies there. */
  const offsets = new Map<string, number>();
  let end = 0;
  return {
    async place(data) {
      const digest = createHash('sha256').update(data).digest('hex');
      let offset = offsets.get(digest);
      if (offset === undefined) {
        offset = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
        await writeAll(handle, data, offset);
        end = offset + data.length;
        offsets.set(digest, offset);
      }
      return { file, offset };
    },
  };
}

/** A write takes 2 GB at most, and may take less than it is given. */
async function writeAll(handle: FileHandle, data: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const { bytesWritten } = await handle.write(data, at, Math.min(data.length - at, 2 ** 30), offset + at);
    at += bytesWritten;
  }
}
