/**
 * A checkpoint in several files with an index, as transformers writes them: `{ metadata: { total_size }, weight_map: {
 * tensor: file } }`, the files beside the index.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { type Fail, failAt, quoted } from '../format-error.js';
import { entryOf, type TensorEntry, type TensorSource } from '../tensor-source.js';

const indexSchema = z.object({
  metadata: z.looseObject({ total_size: z.number().optional() }).optional(),
  weight_map: z.record(z.string(), z.string()),
});

type ShardIndex = z.infer<typeof indexSchema>;

/** An index of 100 MB names a million tensors. */
const LARGEST_INDEX = 100_000_000;

/** At most this many names are listed in one message. */
const SHOWN = 8;

const list = (names: readonly string[]) =>
  names.slice(0, SHOWN).map(quoted).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');

async function readIndex(path: string, fail: Fail): Promise<ShardIndex> {
  const { size } = await stat(path);
  if (size > LARGEST_INDEX) throw fail(`the index has ${size} bytes, more than ${LARGEST_INDEX}`);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw fail(`the index is not valid JSON: ${(error as Error).message}`);
  }
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path: where, message }] = parsed.error.issues as [z.core.$ZodIssue];
    throw fail(
      `this is not an index of shards: ${quoted(where.join('.'))}: ${message}`,
      'Expected { "metadata": ..., "weight_map": { tensor: file } }.',
    );
  }
  // The files lie beside the index: a name that leads elsewhere is no shard's.
  const strange = Object.values(parsed.data.weight_map).find(
    (file) => file === '' || file === '..' || basename(file) !== file || file.includes('\\'),
  );
  if (strange !== undefined) throw fail(`the index names ${quoted(strange)}, which is not a file beside it`);
  return parsed.data;
}

/** The shards' own entries, in the order of the index; each must be where the index says. */
function gatherEntries(
  { weight_map: weightMap }: ShardIndex,
  shards: ReadonlyMap<string, TensorSource>,
  fail: Fail,
): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  const missing: string[] = [];
  for (const [name, file] of Object.entries(weightMap)) {
    const entry = shards.get(file)!.entries.get(name);
    if (entry === undefined) missing.push(`${name} in ${file}`);
    else entries.set(name, entry);
  }
  if (missing.length > 0) throw fail(`tensors that the index names are not in their shards: ${list(missing)}`);
  for (const [file, { entries: held }] of shards) {
    const unnamed = [...held.keys()].filter((name) => weightMap[name] !== file);
    if (unnamed.length > 0) throw fail(`${file} holds tensors that the index does not name there: ${list(unnamed)}`);
  }
  return entries;
}

function checkTotal(stated: number | undefined, entries: ReadonlyMap<string, TensorEntry>, fail: Fail): void {
  if (stated === undefined) return;
  const all = [...entries.values()];
  const sum = (some: readonly TensorEntry[]) => some.reduce((total, { bytes }) => total + bytes, 0);
  // Tied weights are counted once or each time, depending on what has written the index.
  const once = sum(all.filter(({ tiedTo }) => tiedTo === undefined));
  const each = sum(all);
  if (stated !== once && stated !== each)
    throw fail(`the index states a total_size of ${stated} bytes, but the shards hold tensors of ${each}`);
}

async function openAll(
  folder: string,
  files: readonly string[],
  openFile: (path: string) => Promise<TensorSource>,
  fail: Fail,
): Promise<Map<string, TensorSource>> {
  const present = await Promise.all(
    files.map((file) =>
      stat(join(folder, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  const missing = files.filter((_, i) => !present[i]);
  if (missing.length > 0)
    throw fail(
      `${missing.length} of ${files.length} shards are missing: ${list(missing)}`,
      'Download them into the same folder.',
    );
  const shards = new Map<string, TensorSource>();
  try {
    for (const file of files) shards.set(file, await openFile(join(folder, file)));
  } catch (error) {
    for (const shard of shards.values()) await shard.close();
    throw error;
  }
  return shards;
}

/**
 * Opens all files that an index names and checks that they hold what it says.
 *
 * @param openFile opens one of them
 * @throws UserError when the index is not one, shards are missing, a tensor is not in the shard that the index names or
 *   only in the shard, or the sizes do not add up to `total_size`
 */
export async function openShards(
  path: string,
  openFile: (path: string) => Promise<TensorSource>,
): Promise<TensorSource> {
  const fail = failAt(path);
  const index = await readIndex(path, fail);
  const names = [...new Set(Object.values(index.weight_map))];
  if (names.length === 0) throw fail('the index names no tensors');
  const shards = await openAll(dirname(path), names, openFile, fail);
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    const entries = gatherEntries(index, shards, fail);
    checkTotal(index.metadata?.total_size, entries, fail);
    const first = shards.get(names[0]!)!;
    return {
      path,
      format: first.format,
      files: [...shards.values()].flatMap(({ files }) => files),
      entries,
      metadata: { ...first.metadata, ...index.metadata },
      read: (name) => shards.get(index.weight_map[entryOf(entries, name, fail).name]!)!.read(name),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
