/**
 * PyTorch's zip format (torch.save since 1.6): a folder in a zip archive with `data.pkl`, the pickle, and `data/<key>`,
 * the storages, not compressed and aligned, so that they are read where they lie; archives that were packed again,
 * deflated, are read through a stream. `byteorder` tells the order of bytes. Source: torch/serialization.py, `_save`.
 */
import type { OpenFile } from '../bytes/open-file.js';
import { failAt } from '../format-error.js';
import type { TensorSource } from '../tensor-source.js';
import { openZipContent, readZipContent } from '../zip/content.js';
import type { ZipEntry } from '../zip/directory.js';
import { LARGEST_PICKLE, readTorchPickle } from './torch-pickle.js';
import { torchSource } from './torch-source.js';

/** `<name>/` of the folder that holds data.pkl; undefined where the archive is no PyTorch checkpoint. */
export function torchFolder(entries: ReadonlyMap<string, ZipEntry>): string | undefined {
  for (const name of entries.keys()) {
    const folder = /^([^/]*\/)?data\.pkl$/.exec(name);
    if (folder !== null) return folder[1] ?? '';
  }
  return undefined;
}

/** @throws UserError when the archive or the pickle is damaged, or the pickle asks for a name that is not allowed */
export async function openTorchZip(
  file: OpenFile,
  entries: ReadonlyMap<string, ZipEntry>,
  folder: string,
): Promise<TensorSource> {
  const fail = failAt(file.path);
  if (entries.has(`${folder}constants.pkl`))
    throw fail('this is a TorchScript archive, a program with its weights', 'Save the state dict instead.');
  const order = entries.get(`${folder}byteorder`);
  const bigEndian = order !== undefined && (await readZipContent(file, order, 16, fail)).toString() === 'big';
  const pickle = await readZipContent(file, entries.get(`${folder}data.pkl`)!, LARGEST_PICKLE, fail);
  const { value } = readTorchPickle(pickle, fail);
  const storage = (key: string) => entries.get(`${folder}data/${key}`);
  return torchSource(file, value, {
    bigEndian,
    sizeOf: (key) => storage(key)?.size,
    open: (key) => openZipContent(file, storage(key)!, fail),
  });
}
