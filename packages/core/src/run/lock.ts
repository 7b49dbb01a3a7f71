/** One run at a time in a run folder. A lock left behind by a killed process does not block the next run. */
import { readFileSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
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
  const mine: Owner = { pid: process.pid, host: hostname(), started: processStatus(process.pid).started };
  for (let attempt = 1; ; attempt++) {
    try {
      const handle = await open(path, 'wx');
      try {
        await handle.writeFile(JSON.stringify(mine));
      } finally {
        await handle.close();
      }
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw explainWriteError(error, path);
    }
    const owner = await readOwner(path);
    if (owner !== undefined && isAlive(owner)) {
      if (attempt < ATTEMPTS) {
        await sleep(WAIT_MS);
        continue;
      }
      throw new UserError(`another run (process ${owner.pid} on ${owner.host}) is using this folder`, {
        location: { file: path },
        hint: 'Wait for it, or use another --runs folder. If that process is gone for good, delete this file.',
      });
    }
    await rm(path, { force: true });
    if (attempt > 2 * ATTEMPTS) throw new UserError(`cannot take the lock ${path}: other runs keep taking it`);
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Partial<Owner>;
    if (typeof owner.pid === 'number' && typeof owner.host === 'string') return owner as Owner;
  } catch {
    // Killed between creating the file and writing it, or removed meanwhile: nobody holds it.
  }
  return undefined;
}
