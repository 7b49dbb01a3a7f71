/**
 * Fetching a model from the Hugging Face Hub. The Hub's own client for JavaScript, @huggingface/hub, neither goes on with a
 * half file nor compares checksums; this does both, by the addresses and headers that Python's huggingface_hub uses.
 */
import { join } from 'node:path';
import { download, isFile, UserError } from '@t2r/core';
import { formatHubAddress, type HubAddress } from './address.js';
import { type ModelCache, modelCache } from './cache.js';
import { holdsModel, isIndex, neededFiles, shardsOf } from './files.js';
import { authorization, type HubRevision, hintOf, requestFile, requestRevision } from './requests.js';
import type { HubSettings } from './settings.js';

export interface FetchOptions {
  signal?: AbortSignal;
  /** Told which file is fetched next. */
  onFile?: (file: string) => void;
  /** Called as a file arrives: how many bytes there are, of how many. */
  onProgress?: (bytes: number, total?: number) => void;
}

/** A model in the cache. */
export interface FetchedModel {
  /** Folder with its files. */
  folder: string;
  commit: string;
}

const offlineError = (address: HubAddress, { cache }: HubSettings) =>
  new UserError(`${formatHubAddress(address)} is not in the cache ${cache}, and HF_HUB_OFFLINE forbids the network`, {
    hint: 'Unset HF_HUB_OFFLINE, or copy the model into the cache.',
  });

/** What of a model is in the cache, without the network; undefined where something is missing. */
export async function cachedModel(address: HubAddress, settings: HubSettings): Promise<FetchedModel | undefined> {
  const cache = modelCache(address, settings);
  const commit = await cache.commitOf(address.revision);
  if (commit === undefined) return undefined;
  const folder = cache.snapshot(commit);
  return (await holdsModel(folder, cache.absent(commit))) ? { folder, commit } : undefined;
}

/**
 * The commit of a revision: itself, what the cache remembers, or what the Hub says.
 * @throws UserError where the Hub does not know it or cannot be reached
 */
export async function resolveCommit(address: HubAddress, settings: HubSettings, signal?: AbortSignal): Promise<string> {
  const cache = modelCache(address, settings);
  const known = await cache.commitOf(address.revision);
  if (known !== undefined) return known;
  if (settings.offline) throw offlineError(address, settings);
  const { commit } = await requestRevision(address, settings, signal);
  await cache.rememberCommit(address.revision, commit);
  return commit;
}

/**
 * A model's configuration, weights and tokenizer, from the cache or fetched into it. A branch or tag is what it was when it
 * was first asked for; files that are there are not asked for again.
 * @throws UserError where the model is not there or must not be read, the connection stays broken or a checksum is wrong
 */
export async function fetchModel(
  address: HubAddress,
  settings: HubSettings,
  { signal, onFile, onProgress }: FetchOptions = {},
): Promise<FetchedModel> {
  const cached = await cachedModel(address, settings);
  if (cached !== undefined) return cached;
  if (settings.offline) throw offlineError(address, settings);
  const cache = modelCache(address, settings);
  const commit = await resolveCommit(address, settings, signal);
  const at: HubAddress = { ...address, revision: commit };
  const { files } = await requestRevision(at, settings, signal);
  const folder = cache.snapshot(commit);
  const fetchFile = async (file: string) => {
    if (await isFile(join(folder, file))) return;
    onFile?.(file);
    const { url, etag, checksum } = await requestFile(at, file, settings, signal);
    const blob = cache.blob(etag);
    if (!(await isFile(blob))) {
      await download(url, blob, {
        checksum,
        headers: authorization(settings),
        hintOf: (status) => hintOf(status, at, settings),
        delayMs: settings.delayMs,
        signal,
        onProgress,
      });
    }
    await cache.link(commit, file, etag);
  };
  const needed = checkNeeded({ commit, files }, at);
  for (const file of needed) await fetchFile(file);
  const index = needed.find(isIndex);
  if (index !== undefined)
    for (const shard of await shardsOf(join(folder, index)).catch(() => [])) await fetchFile(shard);
  await noteAbsent(cache, commit, files);
  return { folder, commit };
}

/** @throws UserError where a model has no weights or no configuration that could be read */
function checkNeeded({ files }: HubRevision, address: HubAddress): string[] {
  const needed = neededFiles(files);
  const config = needed.some((file) => file === 'config.json' || file === 'params.json');
  const weights = needed.some((file) => /\.(safetensors|bin|pth)$/.test(file) || isIndex(file));
  if (config && weights) return needed;
  throw new UserError(`${formatHubAddress(address)} has no ${config ? 'weights' : 'config.json'} that can be read`, {
    hint: 'Choose a model with config.json and model.safetensors or pytorch_model.bin (or their shards).',
  });
}

/** So that the cache is known to be whole without asking again where a model has no tokenizer. */
async function noteAbsent(cache: ModelCache, commit: string, files: readonly string[]): Promise<void> {
  if (!files.includes('tokenizer.json')) await cache.rememberAbsent(commit, 'tokenizer.json');
}
