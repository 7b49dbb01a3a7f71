/** Where the files of a bitext lie: below `root`, downloaded from `mirror`, or among the members of archives. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import {
  addressBelow,
  addressProblem,
  download,
  hashFile,
  isFile,
  isFolder,
  nearestName,
  problemWith,
  type StepContext,
  type StepProblem,
  UserError,
} from '@t2r/core';
import {
  type ArchiveOptions,
  archiveFingerprint,
  checkAddresses,
  checkLocalArchive,
  findLocal,
  obtainMembers,
} from '../archive-source.js';
import { memberNames } from '../unpack.js';
import { missingMember } from '../unzip.js';
import type { PartFiles } from './pairs.js';
import type { BitextOptions, Part } from './schema.js';
import { type LocatedPart, namesOf, plannedSplits } from './splits.js';

/** Folders in the step's own for what it downloads and unpacks; they are removed in the end. */
export const DOWNLOADS = 'downloads';

const allParts = (options: BitextOptions) => plannedSplits(options).flatMap(({ parts }) => parts);

/** Members of each archive that some part needs. */
function neededMembers(options: BitextOptions): Map<string, string[]> {
  const members = new Map<string, string[]>();
  for (const { part } of allParts(options)) {
    if (part.archive === undefined) continue;
    members.set(part.archive, [...new Set([...(members.get(part.archive) ?? []), ...namesOf(part)])]);
  }
  return members;
}

const archiveOf = ({ archives, root, mirror }: BitextOptions, id: string): ArchiveOptions => ({
  ...archives[id]!,
  root,
  mirror,
});

/** Problems of files and archives that can be found without downloading. */
export async function checkFiles(options: BitextOptions): Promise<StepProblem[]> {
  const { root, archives } = options;
  const parts = allParts(options);
  const unknown = parts.filter(({ part }) => part.archive !== undefined && archives[part.archive] === undefined);
  if (unknown.length > 0) {
    return unknown.map(({ part, at }) => {
      const known = Object.keys(archives);
      const nearest = nearestName(part.archive!, known);
      const hint = known.length === 0 ? 'describe it under `archives`' : `archives: ${known.join(', ')}`;
      const meant = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
      return { path: [...at, 'archive'], message: `there is no archive "${part.archive}"${meant}`, hint };
    });
  }
  if (root && !(await isFolder(root))) {
    return [{ path: ['root'], message: `no such folder: ${root}`, hint: 'leave `root` empty to download' }];
  }
  const problems: StepProblem[] = [];
  const loose = parts.filter(({ part }) => part.archive === undefined);
  if (loose.length > 0)
    problems.push(...(await (root ? checkLocalFiles(loose, options) : checkMirror(loose, options))));
  for (const id of neededMembers(options).keys()) problems.push(...(await checkArchive(id, options)));
  return problems;
}

async function checkLocalFiles(parts: readonly LocatedPart[], options: BitextOptions): Promise<StepProblem[]> {
  const problems: StepProblem[] = [];
  for (const { part, at } of parts) {
    for (const [key, name] of keysOf(part)) {
      const path = join(options.root!, name);
      const expected = options.sha256[name];
      const message = (await isFile(path))
        ? expected === undefined
          ? undefined
          : await problemWith(path, expected)
        : `no such file: ${path}`;
      const hint = 'mend the folder `root`, or leave it empty to download';
      if (message !== undefined) problems.push({ path: [...at, key], message, hint });
    }
  }
  return problems;
}

/** Options of a part that name files. */
const keysOf = (part: Part): [string, string][] =>
  Object.entries(part).filter(([key]) =>
    (namesOf(part).length === 2 ? ['source', 'target'] : ['tsv', 'csv']).includes(key),
  ) as [string, string][];

function checkMirror(parts: readonly LocatedPart[], { mirror, sha256 }: BitextOptions): StepProblem[] {
  if (!mirror) {
    return [
      {
        path: ['root'],
        message: 'nowhere to take the files from: `root` and `mirror` are both empty',
        hint: 'give the folder that holds them as `root`, . for that of the recipe; or set T2R_DATA or T2R_MIRROR where the recipe reads them',
      },
    ];
  }
  const unsure = parts.flatMap(({ part, at }) =>
    keysOf(part)
      .filter(([, name]) => sha256[name] === undefined)
      .map(([key, name]) => ({
        path: [...at, key],
        message: `${name} is to be downloaded and has no checksum`,
        hint: 'give it under `sha256`, or set `root` to a folder that holds the file',
      })),
  );
  return [...addressProblem(['mirror'], mirror), ...unsure];
}

async function checkArchive(id: string, options: BitextOptions): Promise<StepProblem[]> {
  const archive = archiveOf(options, id);
  const members = neededMembers(options).get(id)!;
  const placed = (problem: StepProblem): StepProblem =>
    problem.path[0] === 'url' ? { ...problem, path: ['archives', id, ...problem.path] } : problem;
  const local = await findLocal(archive, members);
  if (local === undefined) return checkAddresses(archive).map(placed);
  if (local.kind === 'nothing') return [local.problem];
  if (local.kind === 'members') return [];
  const problem = await checkLocalArchive(local.path, archive);
  if (problem !== undefined) return [problem];
  const found = await memberNames(local.path);
  const missing = members.find((name) => found?.includes(name) === false);
  if (missing === undefined) return [];
  const { message, hint } = missingMember(local.path, missing, found!);
  return [{ path: ['archives', id], message, hint }];
}

/** What the text depends on beside the options: the content of files that no checksum covers. */
export async function filesFingerprint(options: BitextOptions): Promise<string> {
  const hash = createHash('sha256');
  const { root, sha256 } = options;
  for (const { part } of allParts(options)) {
    if (part.archive !== undefined || !root) continue;
    for (const name of namesOf(part)) {
      if (sha256[name] === undefined) hash.update(`${name} ${await hashFile(join(root, name))}\n`);
    }
  }
  for (const [id, members] of neededMembers(options)) {
    hash.update(`${id} ${await archiveFingerprint(archiveOf(options, id), members)}\n`);
  }
  return hash.digest('hex');
}

/** Gets hold of all files. Returns where those of a part are. */
export async function locateFiles(
  options: BitextOptions,
  context: Pick<StepContext, 'folder' | 'events' | 'signal'>,
): Promise<(part: Part) => PartFiles> {
  const folders = new Map<string, string>();
  for (const [id, members] of neededMembers(options)) {
    const folder = join(context.folder, DOWNLOADS, id);
    folders.set(id, await obtainMembers(archiveOf(options, id), members, { ...context, folder }));
  }
  const loose = allParts(options).flatMap(({ part }) => (part.archive === undefined ? namesOf(part) : []));
  for (const name of new Set(loose)) await obtainFile(name, options, context);
  return (part) => {
    const folder = part.archive === undefined ? looseFolder(options, context.folder) : folders.get(part.archive)!;
    const [source, target = source] = namesOf(part).map((name) => join(folder, name));
    return { source: source!, target: target! };
  };
}

const looseFolder = ({ root }: BitextOptions, folder: string) => (root ? root : join(folder, DOWNLOADS, 'files'));

async function obtainFile(
  name: string,
  options: BitextOptions,
  { folder, events, signal }: Pick<StepContext, 'folder' | 'events' | 'signal'>,
): Promise<void> {
  const { root, mirror } = options;
  const sha256 = options.sha256[name];
  const path = join(looseFolder(options, folder), name);
  const problem = await problemWith(path, { sha256 });
  if (problem === undefined) return;
  if (root) throw new UserError(problem, { hint: 'mend the folder `root`, or leave it empty to download' });
  events.info(`downloading ${name}`);
  await download(addressBelow(mirror!, name), path, { checksum: { sha256 }, signal });
}
