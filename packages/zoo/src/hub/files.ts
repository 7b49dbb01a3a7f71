/** Which files of a model on the Hub are needed, and whether a folder holds them all. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile } from '@t2r/core';

/** Configurations, weights and what describes weights in shards, in the order in which they are looked for. */
const CONFIGS = ['config.json', 'params.json'];
const WEIGHTS = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'consolidated.00.pth',
  'model.bin',
];

/** Sets of files that a tokenizer consists of; the first that is there is taken. */
const TOKENIZERS = [
  ['tokenizer.json'],
  ['tokenizer.model'],
  ['spiece.model'],
  ['sentencepiece.bpe.model'],
  ['vocab.json', 'merges.txt'],
  ['encoder.json', 'vocab.bpe'],
  ['vocabulary.json'],
  // Of Marian's models; a vocabulary for the target alone is among MORE.
  ['source.spm', 'target.spm', 'vocab.json'],
];

/** Taken where they are there; the last one names the licence. */
const MORE = [
  'generation_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'target_vocab.json',
  'README.md',
];

export const isIndex = (file: string) => file.endsWith('.index.json');

/** Files to fetch before the shards, whose names stand in the index. */
export function neededFiles(files: readonly string[]): string[] {
  const there = new Set(files);
  const weights = WEIGHTS.find((name) => there.has(name));
  const tokenizer = TOKENIZERS.find((names) => names.every((name) => there.has(name))) ?? [];
  return [
    ...CONFIGS.filter((name) => there.has(name)),
    ...MORE.filter((name) => there.has(name)),
    ...tokenizer,
    ...(weights === undefined ? [] : [weights]),
  ];
}

/** The files that an index names. Names that lead out of the folder are left out: what is missing shows when it is read. */
export async function shardsOf(index: string): Promise<string[]> {
  const { weight_map = {} } = JSON.parse(await readFile(index, 'utf8')) as { weight_map?: Record<string, unknown> };
  const names = [...new Set(Object.values(weight_map))].filter((name) => typeof name === 'string');
  return names.filter((name) => /^[\w.-]+$/.test(name) && !/^\.+$/.test(name));
}

/**
 * Whether a folder holds a configuration, whole weights and a tokenizer.
 * @param absent Folder of the cache that lists what the model is known not to have
 */
export async function holdsModel(folder: string, absent: string): Promise<boolean> {
  const there = async (names: readonly string[]) => {
    for (const name of names) if (await isFile(join(folder, name))) return name;
    return undefined;
  };
  if ((await there(CONFIGS)) === undefined) return false;
  const weights = await there(WEIGHTS);
  if (weights === undefined) return false;
  if (isIndex(weights)) {
    const shards = await shardsOf(join(folder, weights)).catch(() => undefined);
    if (shards === undefined) return false;
    for (const shard of shards) if (!(await isFile(join(folder, shard)))) return false;
  }
  for (const names of TOKENIZERS) {
    const found = await Promise.all(names.map((name) => isFile(join(folder, name))));
    if (found.every(Boolean)) return true;
  }
  return isFile(join(absent, TOKENIZERS[0]![0]!));
}
