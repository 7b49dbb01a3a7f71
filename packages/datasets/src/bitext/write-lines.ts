/** Writes several text files line by line at once. */
import { writeTogether } from '../write-together.js';

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
  await writeTogether(paths, async (files) => {
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
  });
}
