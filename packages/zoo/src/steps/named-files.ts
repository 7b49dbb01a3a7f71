/** Models whose files are named with their checksums: read where they lie below `root`, downloaded from `mirror` otherwise. */
import { basename, dirname, join } from 'node:path';
import {
  addressBelow,
  addressProblem,
  download,
  isFolder,
  problemWith,
  type StepContext,
  type StepProblem,
  UserError,
} from '@t2r/core';

export interface NamedFiles {
  /** SHA-256 by path below `root` or `mirror`. */
  files?: Readonly<Record<string, string>>;
  root?: string | null;
  mirror?: string | null;
}

/** Folder within the step's own for what is downloaded. */
export const SOURCE_FOLDER = 'source';

const HINT = 'mend the folder `root`, or leave it empty to download';

/** The folder of the files, where they are on disk. */
export function filesFolder({ files = {}, root }: NamedFiles): string | undefined {
  return root ? join(root, dirname(Object.keys(files)[0] ?? '')) : undefined;
}

/** What is wrong with the files as far as it shows without the network. */
export async function checkFiles({ files = {}, root, mirror }: NamedFiles): Promise<StepProblem[]> {
  const names = Object.keys(files);
  if (new Set(names.map((name) => dirname(name))).size !== 1)
    return [{ path: ['files'], message: 'the files of a model must lie in one folder' }];
  if (!root) {
    if (mirror) return addressProblem(['mirror'], mirror);
    const hint =
      'set T2R_DATA to the folder that holds them or T2R_MIRROR to an address that serves them (or the options themselves)';
    const message = 'nowhere to take the files from: `root` and `mirror` are both empty';
    return [{ path: ['root'], message, hint }];
  }
  if (!(await isFolder(root)))
    return [{ path: ['root'], message: `no such folder: ${root}`, hint: 'leave `root` empty to download' }];
  const problems: StepProblem[] = [];
  for (const [name, sha256] of Object.entries(files)) {
    const message = await problemWith(join(root, name), sha256);
    if (message !== undefined) problems.push({ path: ['files', name], message, hint: HINT });
  }
  return problems;
}

/** The folder that holds all files, fetched and checked. */
export async function fetchFiles(options: NamedFiles, { folder, signal, events }: StepContext): Promise<string> {
  const { files = {}, root, mirror } = options;
  const local = filesFolder(options);
  const into = local ?? join(folder, SOURCE_FOLDER);
  for (const [name, sha256] of Object.entries(files)) {
    const path = join(into, basename(name));
    const problem = await problemWith(path, sha256);
    if (problem === undefined) continue;
    if (root) throw new UserError(problem, { hint: HINT });
    events.info(`downloading ${name}`);
    await download(addressBelow(mirror!, name), path, {
      checksum: { sha256 },
      signal,
      onProgress: (done, total) => events.progress(done, { total, unit: 'bytes' }),
    });
  }
  return into;
}
