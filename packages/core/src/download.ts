/** Downloads files over HTTP so that what lies under the final name is always whole and of the expected content. */
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Checksum, differenceFrom } from './checksum.js';
import { UserError } from './errors.js';
import { explainWriteError } from './files.js';

export interface DownloadOptions {
  /** What is expected. */
  checksum: Checksum;
  /** Sent with each request; those for authorisation are not passed on to other servers. */
  headers?: Readonly<Record<string, string>>;
  /** What to do when the server refuses, by the status it answers with. */
  hintOf?: (status: number) => string | undefined;
  signal?: AbortSignal;
  /** Attempts before giving up on a connection that breaks or a server that fails. Default 4. */
  attempts?: number;
  /** Wait before the second attempt; doubled for each further one. Default 500. */
  delayMs?: number;
  /** Called as bytes arrive: how many there are, of how many where the server says so. */
  onProgress?: (bytes: number, total?: number) => void;
}

/** A failure that another attempt may mend: the connection broke, or the server is in trouble. */
class Transient extends Error {}

/**
 * Downloads `url` to `path`. What arrives goes to `path.part`; an interrupted transfer, of this run or an earlier one,
 * goes on from there with an HTTP Range request. Only a file with the right checksum gets its name, or a whole one where none
 * is given. Nothing is flushed to disk on the way: whoever finds a file from before is to compare its checksum.
 * @throws UserError when the server refuses, stays away, or sends something else than expected.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  const { checksum, signal, attempts = 4, delayMs = 500 } = options;
  const part = `${path}.part`;
  for (let attempt = 1; ; attempt++) {
    try {
      const resumed = await fetchRest(url, part, options);
      const wrong = await differenceFrom(checksum, part);
      if (wrong === undefined) break;
      await rm(part, { force: true });
      // What an earlier run left may have come from another version of the file: once more from the start.
      if (resumed) throw new Transient('the resumed file had another checksum');
      throw new UserError(`${url} has another content than expected: ${wrong}`, {
        hint: 'check that the server holds this version of the file and run again; nothing of it was kept',
      });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Transient)) throw explainWriteError(error, path);
      if (attempt >= attempts) {
        throw new UserError(`cannot download ${url}: ${error.message}`, {
          hint: 'check the address and the connection and run again: it goes on where it stopped',
          cause: error.cause,
        });
      }
      await sleep(delayMs * 2 ** (attempt - 1), undefined, { signal });
    }
  }
  await rename(part, path);
}

/**
 * Downloads a file from the first of several addresses that gives it; a later one goes on with what an earlier one sent.
 * @param onFailure - Told what was wrong with each address but the last.
 * @throws UserError of the last address, as `download` does.
 */
export async function downloadFromAny(
  urls: readonly string[],
  path: string,
  { onFailure, ...options }: DownloadOptions & { onFailure?: (message: string) => void },
): Promise<void> {
  for (const [index, url] of urls.entries()) {
    try {
      return await download(url, path, options);
    } catch (error) {
      if (!(error instanceof UserError) || index === urls.length - 1) throw error;
      onFailure?.(`${error.message}; trying the next address`);
    }
  }
}

/** Appends what `part` still lacks. Returns true when the file had a beginning from before. */
async function fetchRest(
  url: string,
  part: string,
  { signal, onProgress, headers: given, hintOf }: DownloadOptions,
): Promise<boolean> {
  await mkdir(dirname(part), { recursive: true });
  const have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  );
  const headers: Record<string, string> = { ...given, 'accept-encoding': 'identity' };
  if (have > 0) headers.range = `bytes=${have}-`;
  let response: Response;
  try {
    response = await fetch(url, { headers, signal });
  } catch (error) {
    const cause = (error as Error).cause;
    throw new Transient(cause instanceof Error ? cause.message : (error as Error).message, { cause: error });
  }
  // Nothing lies after what we have: the checksum tells whether that is the whole file.
  if (response.status === 416 && have > 0) {
    await response.body?.cancel();
    return true;
  }
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    const message = `the server answered ${response.status} ${response.statusText}`.trimEnd();
    if (response.status >= 500 || response.status === 429) throw new Transient(message);
    throw new UserError(`cannot download ${url}: ${message}`, {
      hint: hintOf?.(response.status) ?? 'check the address of the mirror',
    });
  }
  const resumed = response.status === 206 && have > 0;
  const rest = response.headers.get('content-length');
  let bytes = resumed ? have : 0;
  const total = rest === null ? undefined : bytes + Number(rest);
  const file = await open(part, resumed ? 'a' : 'w');
  try {
    const body = response.body.getReader();
    for (;;) {
      const { done, value } = await readChunk(body);
      if (done) break;
      await file.writeFile(value);
      bytes += value.length;
      onProgress?.(bytes, total);
    }
  } finally {
    await file.close();
  }
  return resumed;
}

/** One chunk of a body; a connection that breaks is worth another attempt, a full disk is not. */
async function readChunk(body: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    return await body.read();
  } catch (error) {
    const cause = (error as Error).cause;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    throw new Transient(`the connection broke (${reason})`, { cause: error });
  }
}
