/** Writes several files at once; all of them get their names, or none. */
import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomicWith } from '@t2r/core';

/** Calls `write` with open files that appear at `paths` when it succeeds. */
export async function writeTogether(
  paths: readonly string[],
  write: (files: readonly FileHandle[]) => Promise<void>,
): Promise<void> {
  const temporaries: string[] = [];
  const next = async (): Promise<void> => {
    const path = paths[temporaries.length];
    if (path === undefined) return writeAll(temporaries, write);
    await writeFileAtomicWith(path, async (temporary) => {
      temporaries.push(temporary);
      await next();
    });
  };
  await next();
}

async function writeAll(paths: readonly string[], write: (files: readonly FileHandle[]) => Promise<void>) {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path, 'w'));
    await write(files);
  } finally {
    for (const file of files) await file.close();
  }
}
