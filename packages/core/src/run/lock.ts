/** One run at a time in a run folder. A lock left behind by a killed process does not block the next run. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../errors.js';
import { explainWriteError } from '../files.js';

/** A process that was killed a moment ago may still be on its way out. */
const ATTEMPTS = 4;
const WAIT_MS = 250;

interface Owner {
  pid: number;
  host: string;
  /** When the process started, where the system tells: process numbers are used again. */
  started?: string;
}

/** State and start time (clock ticks since boot) of a process from /proc/PID/stat, where there is such a file. */
function processStatus(pid: number): { state?: string; started?: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[19] };
  } catch {
    return {};
  }
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const { state, started } = processStatus(owner.pid);
  // Killed, but its parent has not taken notice yet.
  if (state === 'Z') return false;
  return owner.started === undefined || started === undefined || owner.started === started;
}

/**
 * Takes the lock at `path`.
 * @returns A function that releases it.
 * @throws UserError while another living process holds it.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const owner: Owner = { pid: process.pid, host: hostname(), started: processStatus(process.pid).started };
  const mine = JSON.stringify(owner);
  for (let attempt = 1; ; attempt++) {
    if (await create(path, mine)) return () => release(path, mine);
    const found = await read(path);
    const holder = parseOwner(found);
    const taken = holder !== undefined && isAlive(holder);
    // An empty lock is one that is being written, or was when its process was killed.
    if ((taken || holder === undefined) && attempt < ATTEMPTS) {
      await sleep(WAIT_MS);
      continue;
    }
    if (taken) {
      throw new UserError(`another run (process ${holder.pid} on ${holder.host}) is using this folder`, {
        location: { file: path },
        hint: 'Wait for it, or use another --runs folder. If that process is gone for good, delete this file.',
      });
    }
    if (attempt > 2 * ATTEMPTS) throw new UserError(`cannot take the lock ${path}: other runs keep taking it`);
    await removeStale(path, found);
  }
}

/** Creates the lock; false where there is one. */
async function create(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw explainWriteError(error, path);
  }
}

async function release(path: string, mine: string): Promise<void> {
  if ((await read(path)) === mine) await rm(path, { force: true });
}

/**
 * Removes the lock of a dead process. Two runs may find it at the same time: only one can move it away, and where the other
 * has put its own in its place by then, that one is put back.
 */
async function removeStale(path: string, stale: string | undefined): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw explainWriteError(error, path);
  }
  if ((await read(aside)) !== stale) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Text of the lock; undefined where it is gone. */
function read(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

function parseOwner(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? '') as Partial<Owner> | null;
    return typeof owner?.pid === 'number' && typeof owner.host === 'string' ? (owner as Owner) : undefined;
  } catch {
    return undefined;
  }
}
