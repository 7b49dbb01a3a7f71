/** Reading safetensors files tensor by tensor: only the header and the tensor asked for are in memory. */
import { type ByteSource, readBytes } from '../bytes/byte-source.js';
import type { OpenFile } from '../bytes/open-file.js';
import { type Fail, failAt, failTensor } from '../format-error.js';
import { readView } from '../read-view.js';
import { entryOf, type TensorSource } from '../tensor-source.js';
import { MAX_HEADER_BYTES, parseSafetensorsHeader, type SafetensorsHeader } from './safetensors-header.js';

async function readHeader(file: ByteSource, fail: Fail): Promise<SafetensorsHeader> {
  if (file.size < 8) throw fail(`the file is truncated: ${file.size} bytes, a safetensors file has 8 or more`);
  const headerBytes = (await readBytes(file, 0, 8)).readBigUInt64LE();
  if (headerBytes > BigInt(MAX_HEADER_BYTES))
    throw fail(`the header's length is given as ${headerBytes} bytes: not a safetensors file`);
  if (headerBytes > BigInt(file.size - 8))
    throw fail(`the file is truncated: the header takes ${headerBytes} bytes, ${file.size - 8} are there`);
  return parseSafetensorsHeader(await readBytes(file, 8, Number(headerBytes)), file.size, fail);
}

/** @throws UserError when the file is not a safetensors file or is damaged */
export async function openSafetensors(file: OpenFile): Promise<TensorSource> {
  const fail = failAt(file.path);
  const { entries, metadata } = await readHeader(file, fail);
  return {
    path: file.path,
    format: 'safetensors',
    files: [file.path],
    entries,
    metadata,
    read: (name) => readView(file, entryOf(entries, name, fail), failTensor(fail, name)),
    close: () => file.close(),
  };
}
