/**
 * PyTorch's legacy format (torch.save before 1.6): pickles one after the other (a magic number, the version 1001, facts
 * about the system, the checkpoint, the list of storage keys), then the storages in that order, each with its number of
 * elements as a 64-bit integer in front. Source: torch/serialization.py, `_legacy_load`.
 */
import { partOf, readBytes } from '../bytes/byte-source.js';
import type { OpenFile } from '../bytes/open-file.js';
import { type ElementType, elementOf } from '../elements.js';
import { type Fail, failAt, quoted } from '../format-error.js';
import { PickleEnd } from '../pickle/machine.js';
import type { PickleValue } from '../pickle/values.js';
import type { TensorSource } from '../tensor-source.js';
import { LARGEST_PICKLE, readTorchPickle } from './torch-pickle.js';
import { torchSource } from './torch-source.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/** The pickles are read from this many bytes, or twice as many until they suffice. */
const FIRST_READ = 1 << 20;

interface Head {
  root: PickleValue;
  bigEndian: boolean;
  keys: readonly PickleValue[];
  storages: ReadonlyMap<string, ElementType | undefined>;
  /** Where the first storage begins. */
  end: number;
}

function parseHead(bytes: Buffer, fail: Fail, complete: boolean): Head {
  let end = 0;
  const next = () => {
    const pickle = readTorchPickle(bytes.subarray(end), fail, complete);
    end += pickle.end;
    return pickle;
  };
  if (next().value !== MAGIC)
    throw fail('this is a pickle, but not of a checkpoint that torch.save has written', 'Save it with torch.save.');
  const version = next().value;
  if (version !== VERSION) throw fail(`the checkpoint's version is not ${VERSION}`);
  const system = next().value;
  const bigEndian = system instanceof Map && system.get('little_endian') === false;
  const { value: root, storages } = next();
  const keys = next().value;
  if (!Array.isArray(keys)) throw fail('the list of storages is missing');
  return { root, bigEndian, keys, storages, end };
}

async function readHead(file: OpenFile, fail: Fail): Promise<Head> {
  const most = Math.min(file.size, LARGEST_PICKLE);
  for (let length = Math.min(FIRST_READ, most); ; length = Math.min(2 * length, most)) {
    try {
      return parseHead(await readBytes(file, 0, length), fail, length === most);
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error;
    }
  }
}

/** Where each storage lies. */
async function locateStorages(file: OpenFile, { keys, storages, bigEndian, end }: Head, fail: Fail) {
  const places = new Map<string, { start: number; size: number }>();
  let position = end;
  for (const key of keys) {
    if (typeof key !== 'string' || !storages.has(key)) throw fail('it lists a storage that no tensor uses');
    if (position + 8 > file.size) throw fail(`the file is truncated: storage ${quoted(key)} is not there`);
    const head = await readBytes(file, position, 8);
    const count = Number(bigEndian ? head.readBigUInt64BE() : head.readBigUInt64LE());
    const dtype = storages.get(key);
    const size = count * (dtype === undefined ? 1 : elementOf(dtype).bytes);
    const start = position + 8;
    if (!(start + size <= file.size))
      throw fail(
        `the file is truncated: storage ${quoted(key)} ends at byte ${start + size}, the file has ${file.size} bytes`,
      );
    places.set(key, { start, size });
    position = start + size;
  }
  return places;
}

/** @throws UserError when the file is damaged or truncated, or a pickle asks for a name that is not allowed */
export async function openTorchLegacy(file: OpenFile): Promise<TensorSource> {
  const fail = failAt(file.path);
  const head = await readHead(file, fail);
  const places = await locateStorages(file, head, fail);
  return torchSource(file, head.root, {
    bigEndian: head.bigEndian,
    sizeOf: (key) => places.get(key)?.size,
    async open(key) {
      const { start, size } = places.get(key)!;
      return partOf(file, start, size);
    },
  });
}
