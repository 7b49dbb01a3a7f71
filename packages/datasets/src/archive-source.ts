/** Where the archive of `dataset/archive` comes from: a folder, or one of several addresses. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  addressBelow,
  addressProblem,
  downloadFromAny,
  fileName,
  hashFile,
  isFile,
  isFolder,
  md5Option,
  notInKey,
  pathOption,
  problemWith,
  type StepContext,
  type StepProblem,
  sha256Option,
  UserError,
} from '@t2r/core';
import { z } from 'zod';
import { unpackMembers } from './unpack.js';

const address = z.string().min(1);
const ROOT =
  'Folder that may hold the archive, or its members where it was unpacked. Where it holds neither, the archive is downloaded.';

/** Options that say which archive, and where to look for it; to be spread into the step's schema. */
export const archiveOptions = {
  archive: fileName.describe('The zip or tar archive, plain or gzip: its path below `root` or `mirror`.'),
  sha256: sha256Option
    .optional()
    .describe('SHA-256 of the archive. Without it, and without an MD5, any content is taken.'),
  md5: md5Option.optional().describe('MD5 of the archive, where its publisher gives no SHA-256.'),
  root: notInKey(pathOption(ROOT).nullish().describe(ROOT)),
  mirror: notInKey(
    z.string().nullish().describe('Address under which the archive lies, http or https; tried before `url`.'),
  ),
  url: notInKey(
    z
      .union([address, z.array(address).min(1)])
      .optional()
      .describe('Addresses of the archive itself, http or https; the next is tried where one does not give it.'),
  ),
};

export type ArchiveOptions = z.output<z.ZodObject<typeof archiveOptions>>;

/** What the folder `root` holds. */
export type Local =
  | { kind: 'archive'; path: string }
  | { kind: 'members'; folder: string }
  | { kind: 'nothing'; problem: StepProblem };

/**
 * Looks for the archive below `root`, and for its members where it is not there. Undefined where it is to be downloaded:
 * without a `root`, or with one that holds nothing of it and an address.
 */
export async function findLocal(options: ArchiveOptions, members: readonly string[]): Promise<Local | undefined> {
  const { root, archive } = options;
  if (!root) return undefined;
  const hint = 'leave `root` empty to download';
  const nothing = (message: string, hint: string): Local => ({
    kind: 'nothing',
    problem: { path: ['root'], message, hint },
  });
  if (!(await isFolder(root))) return nothing(`no such folder: ${root}`, hint);
  const path = join(root, archive);
  if (await isFile(path)) return { kind: 'archive', path };
  const lacking = await missingFiles(root, members);
  if (lacking.length === 0) return { kind: 'members', folder: root };
  if (lacking.length === members.length && addresses(options).length > 0) return undefined;
  const wanted = lacking.length < members.length ? '' : `${archive}, nor `;
  return nothing(`${root} does not hold ${wanted}${lacking.join(', ')}`, `put the archive there, or ${hint}`);
}

/** Which of some files are not in a folder. */
async function missingFiles(folder: string, names: readonly string[]): Promise<string[]> {
  const there = await Promise.all(names.map((name) => isFile(join(folder, name))));
  return names.filter((_, i) => !there[i]);
}

/** The addresses to download from, in the order they are tried. */
function addresses({ archive, mirror, url = [] }: ArchiveOptions): string[] {
  return [...(mirror ? [addressBelow(mirror, archive)] : []), ...[url].flat()];
}

/** What is wrong with the addresses to download from. */
export function checkAddresses(options: ArchiveOptions): StepProblem[] {
  const { mirror, url = [] } = options;
  if (addresses(options).length === 0) {
    const message = 'nowhere to take the archive from: `root`, `mirror` and `url` are all empty';
    return [
      { path: ['root'], message, hint: 'set one of them, or T2R_DATA or T2R_MIRROR where the recipe reads them' },
    ];
  }
  const pathOf = (index: number) => (Array.isArray(url) ? ['url', index] : ['url']);
  return [
    ...(mirror ? addressProblem(['mirror'], mirror) : []),
    ...[url].flat().flatMap((one, index) => addressProblem(pathOf(index), one)),
  ];
}

/**
 * What else a step's key depends on because of an archive, beside its options: nothing where a checksum covers the content;
 * otherwise the content that lies here, or where it will be taken from. Members that lie loose count with their content.
 */
export async function archiveFingerprint(options: ArchiveOptions, members: readonly string[]): Promise<string> {
  const local = await findLocal(options, members);
  if (local?.kind === 'members') {
    const hash = createHash('sha256');
    for (const name of members) hash.update(`${name} ${await hashFile(join(local.folder, name))}\n`);
    return hash.digest('hex');
  }
  if (options.sha256 !== undefined || options.md5 !== undefined) return '';
  return local?.kind === 'archive' ? hashFile(local.path) : addresses(options).join('\n');
}

/** What is wrong with the archive under `root`, if anything. */
export async function checkLocalArchive(
  path: string,
  { sha256, md5 }: ArchiveOptions,
): Promise<StepProblem | undefined> {
  const message = await problemWith(path, { sha256, md5 });
  if (message === undefined) return undefined;
  return { path: ['root'], message, hint: 'copy the archive again, or leave `root` empty to download' };
}

/** Path of the archive with the right content: where it lies under `root`, or its download in the step's folder. */
async function obtainArchive(
  options: ArchiveOptions,
  local: Local | undefined,
  { folder, events, signal }: Pick<StepContext, 'folder' | 'events' | 'signal'>,
): Promise<string> {
  const { archive, sha256, md5 } = options;
  if (local?.kind === 'archive') {
    const problem = await checkLocalArchive(local.path, options);
    if (problem !== undefined) throw new UserError(problem.message, { hint: problem.hint });
    return local.path;
  }
  const path = join(folder, archive);
  if ((await problemWith(path, { sha256, md5 })) === undefined) return path;
  if (sha256 === undefined && md5 === undefined)
    events.warn(`${archive} has no checksum in the recipe: what arrives is taken as it is`);
  events.info(`downloading ${archive}`);
  await downloadFromAny(addresses(options), path, {
    checksum: { sha256, md5 },
    signal,
    onProgress: (done, total) => events.progress(done, { total, unit: 'bytes' }),
    onFailure: (message) => events.warn(message),
  });
  return path;
}

/**
 * Folder that holds some members of the archive: `root` where they lie there, `folder` where they are unpacked. A downloaded
 * archive is removed once that is done.
 */
export async function obtainMembers(
  options: ArchiveOptions,
  members: readonly string[],
  { folder, events, signal }: Pick<StepContext, 'folder' | 'events' | 'signal'>,
): Promise<string> {
  const local = await findLocal(options, members);
  if (local?.kind === 'nothing') throw new UserError(local.problem.message, { hint: local.problem.hint });
  if (local?.kind === 'members') return local.folder;
  // Members get their names once they are whole, so those of an interrupted run count.
  if ((await missingFiles(folder, members)).length === 0) return folder;
  const archive = await obtainArchive(options, local, { folder, events, signal });
  await unpackMembers(archive, members, folder, { signal, onMember: (name) => events.info(`unpacking ${name}`) });
  if (local === undefined) await rm(archive);
  return folder;
}
