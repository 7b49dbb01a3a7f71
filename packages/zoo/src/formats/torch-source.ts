/** A PyTorch checkpoint as a source of tensors, once it is known where its storages lie. */
import { bytesInMemory, type ClosableBytes } from '../bytes/byte-source.js';
import type { OpenFile } from '../bytes/open-file.js';
import { bytesOf, elementOf } from '../elements.js';
import { type Fail, failAt, failTensor, quoted } from '../format-error.js';
import type { NumpyArray } from '../pickle/numpy-names.js';
import { TorchTensor } from '../pickle/torch-names.js';
import type { PickleValue } from '../pickle/values.js';
import { readView, type StoredView } from '../read-view.js';
import { entryOf, type StoredEntry, type TensorSource } from '../tensor-source.js';
import { type PickledTensor, readStateDict } from './state-dict.js';

export interface Storages {
  bigEndian?: boolean;
  /** Bytes of the storage with that key; undefined where there is none. */
  sizeOf(key: string): number | undefined;
  /** The storage's bytes from its beginning. */
  open(key: string): Promise<ClosableBytes>;
}

type TorchEntry = StoredEntry & { open(): Promise<ClosableBytes> };

/** Where the elements of a tensor lie, and a text that is the same for the same elements. */
type Place = StoredView & Pick<TorchEntry, 'open'> & { elements: string };

function placeInStorage(tensor: TorchTensor, { bigEndian, sizeOf, open }: Storages, fail: Fail): Place {
  const { storage, dtype, offset, shape, strides } = tensor;
  const { key } = storage;
  const held = sizeOf(key);
  const needed = storage.start + storage.bytes;
  if (held === undefined) throw fail(`its storage ${quoted(key)} is not in the file`);
  if (needed > held) throw fail(`its storage ${quoted(key)} has ${held} bytes instead of ${needed}`);
  const start = storage.start + offset * elementOf(dtype).bytes;
  const elements = JSON.stringify([key, dtype, start, shape, strides]);
  return { dtype, shape, start, strides, bigEndian, open: () => open(key), elements };
}

function placeInPickle(array: NumpyArray, name: string, fail: Fail): Place {
  if (array.view === undefined) throw fail('it is an array without values');
  return { ...array.view, open: async () => bytesInMemory(array.bytes()), elements: name };
}

function entriesOf(
  tensors: ReadonlyMap<string, PickledTensor>,
  storages: Storages,
  fail: Fail,
): Map<string, TorchEntry> {
  const owners = new Map<string, string>();
  const entries = new Map<string, TorchEntry>();
  for (const [name, tensor] of tensors) {
    const failHere = failTensor(fail, name);
    const { elements, ...place } =
      tensor instanceof TorchTensor
        ? placeInStorage(tensor, storages, failHere)
        : placeInPickle(tensor, name, failHere);
    const bytes = bytesOf(place.dtype, place.shape);
    const tiedTo = bytes > 0 ? owners.get(elements) : undefined;
    if (tiedTo === undefined) owners.set(elements, name);
    const tie = tiedTo === undefined ? {} : { tiedTo };
    entries.set(name, { ...place, name, reads: elementOf(place.dtype).reads, bytes, ...tie });
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
      const storage = await entry.open();
      try {
        return await readView(storage, entry, failTensor(fail, name));
      } finally {
        await storage.close();
      }
    },
    close: () => file.close(),
  };
}
