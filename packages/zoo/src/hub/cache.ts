/**
 * The cache of the Hub's files, in the layout of Python's huggingface_hub, so that both find what the other has fetched:
 *
 *     models--owner--name/blobs/<etag>                     contents
 *     models--owner--name/snapshots/<commit>/<file>        links to them
 *     models--owner--name/refs/<branch or tag>             the commit that it was when it was asked for
 *     models--owner--name/.no_exist/<commit>/<file>        empty: the model has no such file
 */
import { copyFile, mkdir, readFile, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { writeFileAtomic, writeFileAtomicWith } from '@t2r/core';
import { type HubAddress, isCommit } from './address.js';
import type { HubSettings } from './settings.js';

export interface ModelCache {
  blob(etag: string): string;
  snapshot(commit: string): string;
  /** Folder that lists files a commit does not have. */
  absent(commit: string): string;
  /** The commit of a revision; undefined where it was never asked for. */
  commitOf(revision: string): Promise<string | undefined>;
  rememberCommit(revision: string, commit: string): Promise<void>;
  rememberAbsent(commit: string, file: string): Promise<void>;
  /** Makes a content that lies in `blob(etag)` a file of a snapshot. */
  link(commit: string, file: string, etag: string): Promise<void>;
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** The cache of one model. */
export function modelCache({ repo }: Pick<HubAddress, 'repo'>, { cache }: HubSettings): ModelCache {
  const root = join(cache, `models--${repo.replaceAll('/', '--')}`);
  const at = (...parts: string[]) => join(root, ...parts);
  return {
    blob: (etag) => at('blobs', etag),
    snapshot: (commit) => at('snapshots', commit),
    absent: (commit) => at('.no_exist', commit),
    async commitOf(revision) {
      if (isCommit(revision)) return revision;
      const text = await readFile(at('refs', revision), 'utf8').catch(() => '');
      return isCommit(text.trim()) ? text.trim() : undefined;
    },
    async rememberCommit(revision, commit) {
      if (revision !== commit) await writeFileAtomic(at('refs', revision), commit);
    },
    rememberAbsent: (commit, file) => writeFileAtomic(at('.no_exist', commit, file), ''),
    async link(commit, file, etag) {
      const path = at('snapshots', commit, file);
      // A link that leads nowhere was left by a cache that has been cleaned in part.
      if (await exists(path)) return;
      await mkdir(dirname(path), { recursive: true });
      const blob = at('blobs', etag);
      try {
        await symlink(relative(dirname(path), blob), path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') return;
        // Windows lets only some users make links.
        if (code !== 'EPERM' && code !== 'ENOSYS' && code !== 'ENOTSUP') throw error;
        await writeFileAtomicWith(path, (temporary) => copyFile(blob, temporary));
      }
    },
  };
}
