/** What is asked of the Hub besides the files: which commit a revision is and what it holds, and what a file is known by. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Checksum, UserError } from '@t2r/core';
import { z } from 'zod';
import { formatHubAddress, type HubAddress } from './address.js';
import type { HubSettings } from './settings.js';

const revisionSchema = z.object({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  siblings: z.array(z.object({ rfilename: z.string() })),
});

/** A revision of a model. */
export interface HubRevision {
  commit: string;
  /** Paths of all its files. */
  files: string[];
}

/** What a file of the Hub is known by. */
export interface HubFile {
  url: string;
  /** Its name in the cache: what the Hub calls its content. */
  etag: string;
  checksum: Checksum;
}

export const authorization = ({ token }: HubSettings): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

/** What a user can do about an answer, by its status. */
export function hintOf(status: number, { repo }: HubAddress, { token, endpoint }: HubSettings): string {
  if (status === 401)
    return token === undefined
      ? `Check the name: ${endpoint}/${repo}. If the model is private or gated, set HF_TOKEN to a token that may read it.`
      : 'Check the name, and that HF_TOKEN is valid and may read the model.';
  if (status === 403) return `Ask for access at ${endpoint}/${repo}, and set HF_TOKEN to a token of that account.`;
  if (status === 404) return `Check the name and the revision: ${endpoint}/${repo}.`;
  return 'Try again later, or set HF_ENDPOINT to a mirror.';
}

/** Why a request was refused, as far as the Hub says. */
function reasonOf(response: Response): string {
  const code = response.headers.get('x-error-code');
  if (code === 'RepoNotFound') return 'there is no such model, or it is private';
  if (code === 'RevisionNotFound') return 'the model has no such revision';
  if (code === 'GatedRepo') return 'access to the model must be asked for';
  if (code === 'EntryNotFound') return 'the model has no such file';
  const known: Record<number, string> = {
    401: 'the model does not exist or needs a token',
    403: 'access is refused',
    404: 'there is no such model, revision or file',
  };
  return known[response.status] ?? `the server answered ${response.status} ${response.statusText}`.trimEnd();
}

const ATTEMPTS = 3;

/** One answer; a broken connection or a server in trouble is worth another attempt. */
async function request(
  url: string,
  init: RequestInit,
  address: HubAddress,
  settings: HubSettings,
  signal?: AbortSignal,
): Promise<Response> {
  const name = formatHubAddress(address);
  const headers = { ...authorization(settings), ...(init.headers as Record<string, string>) };
  for (let attempt = 1; ; attempt++) {
    let failure: UserError;
    try {
      const response = await fetch(url, { ...init, headers, signal });
      if (response.ok || (response.status >= 300 && response.status < 400)) return response;
      await response.body?.cancel();
      failure = new UserError(`${name}: ${reasonOf(response)} (${response.status} from ${url})`, {
        hint: hintOf(response.status, address, settings),
      });
      if (response.status < 500 && response.status !== 429) throw failure;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof UserError) throw error;
      const cause = (error as Error).cause;
      const why = cause instanceof Error ? cause.message : (error as Error).message;
      failure = new UserError(`${name} is not in the cache, and ${settings.endpoint} cannot be reached: ${why}`, {
        hint: `Check the connection, set HF_ENDPOINT to a mirror, or copy the model into ${settings.cache}.`,
        cause: error,
      });
    }
    if (attempt >= ATTEMPTS) throw failure;
    await sleep((settings.delayMs ?? 500) * 2 ** (attempt - 1), undefined, { signal });
  }
}

/** The commit of a revision, and the files in it. */
export async function requestRevision(
  address: HubAddress,
  settings: HubSettings,
  signal?: AbortSignal,
): Promise<HubRevision> {
  const url = `${settings.endpoint}/api/models/${address.repo}/revision/${encodeURIComponent(address.revision)}`;
  const response = await request(url, {}, address, settings, signal);
  const parsed = revisionSchema.safeParse(await response.json().catch(() => undefined));
  if (!parsed.success)
    throw new UserError(`${url} did not answer as the Hugging Face Hub does`, { hint: 'Check HF_ENDPOINT.' });
  return { commit: parsed.data.sha, files: parsed.data.siblings.map(({ rfilename }) => rfilename) };
}

const MOST_REDIRECTS = 5;

/** Quotes and the mark of weak tags do not belong to the name. */
const bareTag = (tag: string | null) => tag?.replace(/^W\//, '').replaceAll('"', '');

/**
 * What a file is known by: SHA-256 for large files (`X-Linked-Etag`), git's name for small ones (`ETag`). Redirects to another
 * server are not followed: they lead to the content, and the headers stand in the answer before.
 */
export async function requestFile(
  address: HubAddress,
  file: string,
  settings: HubSettings,
  signal?: AbortSignal,
): Promise<HubFile> {
  const path = file.split('/').map(encodeURIComponent).join('/');
  const url = `${settings.endpoint}/${address.repo}/resolve/${encodeURIComponent(address.revision)}/${path}`;
  let at = url;
  for (let redirects = 0; ; redirects++) {
    const init: RequestInit = { method: 'HEAD', redirect: 'manual', headers: { 'accept-encoding': 'identity' } };
    const response = await request(at, init, address, settings, signal);
    const location = response.headers.get('location') ?? '';
    // A model that was renamed is found under its new name on the same server.
    if (response.status >= 300 && location.startsWith('/') && redirects < MOST_REDIRECTS) {
      at = new URL(location, at).href;
      continue;
    }
    const etag = bareTag(response.headers.get('x-linked-etag') ?? response.headers.get('etag'));
    const size = response.headers.get('x-linked-size') ?? response.headers.get('content-length');
    const checksum = checksumOf(etag, size);
    if (etag === undefined || !/^[\w.-]+$/.test(etag) || checksum === undefined)
      throw new UserError(`${at} does not say what the file is known by`, {
        hint: 'Check HF_ENDPOINT: a mirror must pass on the headers ETag or X-Linked-Etag.',
      });
    return { url, etag, checksum };
  }
}

function checksumOf(etag: string | undefined, size: string | null): Checksum | undefined {
  if (etag !== undefined && /^[0-9a-f]{64}$/.test(etag)) return { sha256: etag };
  if (etag !== undefined && /^[0-9a-f]{40}$/.test(etag)) return { gitSha1: etag };
  return size === null ? undefined : { bytes: Number(size) };
}
