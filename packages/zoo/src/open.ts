/** Opening a checkpoint whatever its format: files are recognised by their first bytes, folders by what lies in them. */
import { join } from 'node:path';
import { isFile, isFolder, UserError } from '@t2r/core';
import { readBytes } from './bytes/byte-source.js';
import { type OpenFile, openFile, usingFile } from './bytes/open-file.js';
import { failAt } from './format-error.js';
import { openCTranslate2 } from './formats/ctranslate2.js';
import { NPY_MAGIC } from './formats/npy-header.js';
import { isNpz, openNpy, openNpz } from './formats/numpy.js';
import { openTorchLegacy } from './formats/pytorch-legacy.js';
import { openTorchZip, torchFolder } from './formats/pytorch-zip.js';
import { openSafetensors } from './formats/safetensors.js';
import { openShards } from './formats/shards.js';
import type { LoadedTensor, TensorSource } from './tensor-source.js';
import { readZipDirectory } from './zip/directory.js';

/** Files of a folder that hold a model, in the order in which they are looked for. */
export const FOLDER_FILES: readonly string[] = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'model.bin',
];

const HINT =
  'Known are safetensors, PyTorch (.pt, .bin), NumPy (.npz, .npy), CTranslate2 (model.bin), an index of shards (.index.json), and a folder with one of them.';

const LFS_POINTER = 'version https://git-lfs';

type Kind = 'safetensors' | 'zip' | 'npy' | 'legacy' | 'ctranslate2' | 'index';

/** What a file's first bytes say that it is. */
function recognise(head: Buffer): Kind | undefined {
  if (head.length >= 9 && head.readBigUInt64LE() < 2n ** 32n && head[8] === 0x7b) return 'safetensors';
  const magic = head.toString('latin1', 0, 6);
  if (magic.startsWith('PK\x03\x04') || magic.startsWith('PK\x05\x06')) return 'zip';
  if (magic === NPY_MAGIC) return 'npy';
  // A pickle tells its protocol first.
  if (head[0] === 0x80 && head.length > 1 && head[1]! <= 5) return 'legacy';
  if (head.length >= 8 && head.readUInt32LE() < 256) {
    const end = 6 + head.readUInt16LE(4) - 1;
    if (end > 6 && end < head.length && head.indexOf(0, 6) === end) return 'ctranslate2';
  }
  return head.toString('latin1').trimStart().startsWith('{') ? 'index' : undefined;
}

async function openZip(file: OpenFile): Promise<TensorSource> {
  const fail = failAt(file.path);
  const entries = await readZipDirectory(file, fail);
  const folder = torchFolder(entries);
  if (folder !== undefined) return openTorchZip(file, entries, folder);
  if (isNpz(entries)) return openNpz(file, entries);
  throw fail('this zip archive is neither a PyTorch checkpoint nor one of NumPy arrays', HINT);
}

/** Opens one file that holds tensors. */
export function openTensorFile(path: string): Promise<TensorSource> {
  return usingFile(path, async (file) => {
    const fail = failAt(path);
    const head = await readBytes(file, 0, Math.min(file.size, 512));
    switch (recognise(head)) {
      case 'safetensors':
        return openSafetensors(file);
      case 'zip':
        return openZip(file);
      case 'npy':
        return openNpy(file);
      case 'legacy':
        return openTorchLegacy(file);
      case 'ctranslate2':
        return openCTranslate2(file);
      default:
        if (head.toString('latin1').startsWith(LFS_POINTER))
          throw fail('this is a pointer of Git LFS and not the file itself', 'Fetch the file: git lfs pull.');
        throw fail(`${file.size < 16 ? 'the file is truncated, or' : 'this is'} not a checkpoint that is known`, HINT);
    }
  });
}

/** The file that a path stands for: itself, or the first of the known ones in a folder. */
async function fileOf(path: string): Promise<string> {
  if (!(await isFolder(path))) return path;
  for (const name of FOLDER_FILES) if (await isFile(join(path, name))) return join(path, name);
  throw new UserError(`${path}: the folder holds no checkpoint; looked for ${FOLDER_FILES.join(', ')}`, {
    location: { file: path },
    hint: HINT,
  });
}

async function isIndex(path: string): Promise<boolean> {
  if (!(await isFile(path))) return false;
  const file = await openFile(path);
  try {
    return recognise(await readBytes(file, 0, Math.min(file.size, 512))) === 'index';
  } finally {
    await file.close();
  }
}

/**
 * Opens a checkpoint: a file of any known format, an index of shards, or a folder with `model.safetensors`,
 * `pytorch_model.bin`, the index of either, or CTranslate2's `model.bin`. What a file is tells its content, not its name.
 * Only what describes the tensors is read; nothing in a file is ever executed.
 *
 * @throws UserError when there is no such file, its format is not known or it is damaged
 */
export async function openTensors(path: string): Promise<TensorSource> {
  const file = await fileOf(path);
  return (await isIndex(file)) ? openShards(file, openTensorFile) : openTensorFile(file);
}

/** Reads all tensors of a checkpoint by name, and what it says beside them. Errors as `openTensors` and `read`. */
export async function readTensors(
  path: string,
): Promise<{ tensors: Record<string, LoadedTensor>; metadata: TensorSource['metadata'] }> {
  const source = await openTensors(path);
  try {
    const tensors: [string, LoadedTensor][] = [];
    for (const name of source.entries.keys()) tensors.push([name, await source.read(name)]);
    return { tensors: Object.fromEntries(tensors), metadata: source.metadata };
  } finally {
    await source.close();
  }
}
