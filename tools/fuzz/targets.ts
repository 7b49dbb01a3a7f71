/** What is fuzzed: readers of files, each with some right files to begin with. A new reader is one more entry here. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readTensors } from '@t2r/zoo';

export interface FuzzTarget {
  name: string;
  /** Files that are read without an error; mutations begin with them. */
  seeds: readonly string[];
  /** Reads a file to its end. May only succeed or throw a UserError. */
  read(path: string): Promise<unknown>;
}

/** Sources and compiled files lie at different depths below it. */
function workspace(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nx.json'))) folder = dirname(folder);
  return folder;
}

const fixtures = join(workspace(), 'packages', 'zoo', 'fixtures');

function checkpoints(name: string, folders: readonly string[], pattern: RegExp): FuzzTarget {
  const seeds = folders.flatMap((folder) =>
    readdirSync(join(fixtures, folder))
      .filter((file) => pattern.test(file))
      .map((file) => join(fixtures, folder, file)),
  );
  return { name, seeds, read: readTensors };
}

export const TARGETS: readonly FuzzTarget[] = [
  checkpoints('safetensors', ['.', 'goldens', 'float8', 'sharded-safetensors'], /\.safetensors$/),
  checkpoints('pytorch-zip', ['pytorch'], /^(types|views|module|beside|arrays|list)[-a-z0-9]*(?<!legacy)\.pt$/),
  checkpoints('pytorch-legacy', ['pytorch'], /-legacy\.pt$/),
  checkpoints('npz', ['numpy'], /\.npz$/),
  checkpoints('npy', ['numpy'], /^version\d\.npy$/),
  checkpoints('ctranslate2', ['ctranslate2'], /\.bin$/),
];
