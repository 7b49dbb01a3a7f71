/** Writing a model's tensors into a folder: one safetensors file or, where that would be large, several and an index. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJsonAtomic } from '@t2r/core';
import { bytesToWrite, type WritableTensor, writeSafetensors } from './safetensors-write.js';

export interface ShardOptions {
  /** Strings kept in each file's header. */
  metadata?: Readonly<Record<string, string>>;
  /** Most bytes of tensors in one file, unless one tensor alone has more. Default 5 GB, as in transformers. */
  shardBytes?: number;
}

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const SHARD = /^model-\d{5}-of-\d{5}\.safetensors$/;

type Tensors = Readonly<Record<string, WritableTensor>>;

/** Fills one shard after the other, in the given order. */
function split(tensors: Tensors, shardBytes: number): Record<string, WritableTensor>[] {
  const shards: [string, WritableTensor][][] = [[]];
  let room = shardBytes;
  for (const [name, tensor] of Object.entries(tensors)) {
    const bytes = bytesToWrite(tensor);
    if (bytes > room && shards.at(-1)!.length > 0) {
      shards.push([]);
      room = shardBytes;
    }
    shards.at(-1)!.push([name, tensor]);
    room -= bytes;
  }
  return shards.map((shard) => Object.fromEntries(shard));
}

async function removeShards(folder: string, except: readonly string[] = []): Promise<void> {
  for (const name of await readdir(folder))
    if (SHARD.test(name) && !except.includes(name)) await rm(join(folder, name), { force: true });
}

/**
 * Writes `model.safetensors`, or shards `model-00001-of-00002.safetensors` with `model.safetensors.index.json`, each
 * atomically, and removes what an earlier save in the other form has left. A kill in between leaves either the old
 * tensors, the new ones or a folder without an index, which is not read: never a mixture.
 *
 * @throws UserError as `writeSafetensors`
 */
export async function writeSafetensorsFolder(
  folder: string,
  tensors: Tensors,
  { metadata = {}, shardBytes = 5e9 }: ShardOptions = {},
): Promise<void> {
  const single = join(folder, SINGLE_FILE);
  const index = join(folder, INDEX_FILE);
  const shards = split(tensors, shardBytes);
  if (shards.length === 1) {
    await writeSafetensors(single, tensors, metadata);
    await rm(index, { force: true });
    await removeShards(folder);
    return;
  }
  await rm(index, { force: true });
  const of = String(shards.length).padStart(5, '0');
  const weightMap: [string, string][] = [];
  const names: string[] = [];
  for (const [i, shard] of shards.entries()) {
    const name = `model-${String(i + 1).padStart(5, '0')}-of-${of}.safetensors`;
    await writeSafetensors(join(folder, name), shard, metadata);
    names.push(name);
    weightMap.push(...Object.keys(shard).map((tensor): [string, string] => [tensor, name]));
  }
  const totalSize = Object.values(tensors).reduce((sum, tensor) => sum + bytesToWrite(tensor), 0);
  await writeJsonAtomic(index, { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(weightMap) });
  await rm(single, { force: true });
  await removeShards(folder, names);
}
