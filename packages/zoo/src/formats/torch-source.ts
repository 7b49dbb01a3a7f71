/** A PyTorch checkpoint as a source of tensors, once it is known where its storages lie. */
import type { ClosableBytes } from '../bytes/byte-source.js';
import type { OpenFile } from '../bytes/open-file.js';
import { bytesOf, elementOf } from '../elements.js';
import { type Fail, failAt, failTensor, quoted } from '../format-error.js';
import type { TorchTensor } from '../pickle/torch-names.js';
import type { PickleValue } from '../pickle/values.js';
import { readView } from '../read-view.js';
import { entryOf, type StoredEntry, type TensorSource } from '../tensor-source.js';
import { readStateDict } from './state-dict.js';

export interface Storages {
  bigEndian?: boolean;
  /** Bytes of the storage with that key; undefined where there is none. */
  sizeOf(key: string): number | undefined;
  /** The storage's bytes from its beginning. */
  open(key: string): Promise<ClosableBytes>;
}

type TorchEntry = StoredEntry & { key: string };

function entriesOf(
  tensors: ReadonlyMap<string, TorchTensor>,
  { bigEndian, sizeOf }: Storages,
  fail: Fail,
): Map<string, TorchEntry> {
  const owners = new Map<string, string>();
  const entries = new Map<string, TorchEntry>();
  for (const [name, { storage, dtype, offset, shape, strides }] of tensors) {
    const { bytes: width, reads } = elementOf(dtype);
    const { key } = storage;
    const held = sizeOf(key);
    if (held === undefined) throw failTensor(fail, name)(`its storage ${quoted(key)} is not in the file`);
    const needed = storage.offset * width + storage.bytes;
    if (needed > held)
      throw failTensor(fail, name)(`its storage ${quoted(key)} has ${held} bytes instead of ${needed}`);
    const start = (storage.offset + offset) * width;
    const bytes = bytesOf(dtype, shape);
    const elements = JSON.stringify([key, dtype, start, shape, strides]);
    const tiedTo = bytes > 0 ? owners.get(elements) : undefined;
    if (tiedTo === undefined) owners.set(elements, name);
    const tie = tiedTo === undefined ? {} : { tiedTo };
    entries.set(name, { name, dtype, shape, reads, bytes, ...tie, key, start, strides, bigEndian });
  }
  return entries;
}

/** @throws UserError when there are no tensors, or a storage is missing or smaller than the pickle says */
export function torchSource(file: OpenFile, root: PickleValue, storages: Storages): TensorSource {
  const fail = failAt(file.path);
  const { tensors, metadata } = readStateDict(root, fail);
  const entries = entriesOf(tensors, storages, fail);
  return {
    path: file.path,
    format: 'pytorch',
    files: [file.path],
    entries,
    metadata,
    async read(name) {
      const entry = entryOf(entries, name, fail);
      const storage = await storages.open(entry.key);
      try {
        return await readView(storage, entry, failTensor(fail, name));
      } finally {
        await storage.close();
      }
    },
    close: () => file.close(),
  };
}
