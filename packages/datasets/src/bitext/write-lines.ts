/** Writes several text files line by line at once; all of them get their names, or none. */
import { type FileHandle, open } from 'node:fs/promises';
import { writeFileAtomicWith } from '@t2r/core';

/** Characters gathered before they are written. */
const GATHER = 1 << 19;

export interface LineWriter {
  /** Adds a line to a file, by its index. */
  put(file: number, line: string): void;
  /** Writes what has been gathered, where it has become much; to be awaited now and then. */
  flush(): Promise<void>;
}

/** Calls `write` with a writer for the files at `paths`, which appear under their names when it succeeds. */
export async function writeLines(
  paths: readonly string[],
  write: (writer: LineWriter) => Promise<void>,
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

async function writeAll(paths: readonly string[], write: (writer: LineWriter) => Promise<void>): Promise<void> {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path, 'w'));
    const held = paths.map(() => [] as string[]);
    const sizes = paths.map(() => 0);
    const flush = async (least: number) => {
      for (const [i, file] of files.entries()) {
        if (sizes[i]! < least) continue;
        await file.writeFile(held[i]!.join(''));
        held[i] = [];
        sizes[i] = 0;
      }
    };
    await write({
      put(file, line) {
        held[file]!.push(line, '\n');
        sizes[file]! += line.length + 1;
      },
      flush: () => flush(GATHER),
    });
    await flush(1);
  } finally {
    for (const file of files) await file.close();
  }
}
