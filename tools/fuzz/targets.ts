/** What is fuzzed: readers of files, each with some right files to begin with. A new reader is one more entry here. */
import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Random } from '@t2r/core';
import { readTensors } from '@t2r/zoo';
import { archiveSeeds, csvSeeds, readArchive, readCsv, readTsv, tsvSeeds } from './bitext.js';
import { mutateJson } from './mutate-json.js';
import { mutateModel } from './mutate-model.js';
import { readTokenizer, smallModels } from './tokenizers.js';

export interface FuzzTarget {
  name: string;
  /** Files that are read without an error; mutations begin with them. */
  seeds(): Promise<readonly Buffer[]>;
  /** Reads a file to its end. May only succeed or throw a UserError. */
  read(path: string): Promise<unknown>;
  /** Damage that leaves the file well-formed, for two cases of three; the others have bytes changed anywhere. */
  mutateInside?(bytes: Buffer, random: Random): Buffer;
}

/** Sources and compiled files lie at different depths below it. */
function workspace(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'nx.json'))) folder = dirname(folder);
  return folder;
}

const packages = join(workspace(), 'packages');

/** Calls once, however often it is asked. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** The content of the files in some folders whose names match. */
function filesIn(root: string, folders: readonly string[], pattern: RegExp): Promise<Buffer[]> {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => pattern.test(file))
      .map((file) => join(root, folder, file)),
  );
  return Promise.all(paths.map((path) => readFile(path)));
}

function checkpoints(name: string, folders: readonly string[], pattern: RegExp): FuzzTarget {
  const fixtures = join(packages, 'zoo', 'fixtures');
  return { name, seeds: once(() => filesIn(fixtures, folders, pattern)), read: readTensors };
}

const TOKENIZERS = join(packages, 'tokenizers', 'fixtures');
const TOKENIZER_FOLDERS = ['.', 'huggingface', 'sentencepiece'];

export const TARGETS: readonly FuzzTarget[] = [
  checkpoints('safetensors', ['.', 'goldens', 'float8', 'sharded-safetensors'], /\.safetensors$/),
  checkpoints('pytorch-zip', ['pytorch'], /^(types|views|module|beside|arrays|list)[-a-z0-9]*(?<!legacy)\.pt$/),
  checkpoints('pytorch-legacy', ['pytorch'], /-legacy\.pt$/),
  checkpoints('npz', ['numpy'], /\.npz$/),
  checkpoints('npy', ['numpy'], /^version\d\.npy$/),
  checkpoints('ctranslate2', ['ctranslate2'], /\.bin$/),
  {
    name: 'tokenizer-json',
    seeds: once(() => filesIn(TOKENIZERS, TOKENIZER_FOLDERS, /\.tokenizer\.json$/)),
    read: readTokenizer,
    mutateInside: (bytes, random) => Buffer.from(mutateJson(bytes.toString(), random)),
  },
  {
    name: 'sentencepiece',
    seeds: once(async () => [
      ...(await filesIn(TOKENIZERS, TOKENIZER_FOLDERS, /\.model$/)),
      ...(await smallModels(join(TOKENIZERS, 'make-huggingface.py'))),
    ]),
    read: readTokenizer,
    mutateInside: (bytes, random) => Buffer.from(mutateModel(bytes, random)),
  },
  { name: 'bitext-tsv', seeds: async () => tsvSeeds, read: readTsv },
  { name: 'bitext-csv', seeds: async () => csvSeeds, read: readCsv },
  { name: 'bitext-archive', seeds: async () => archiveSeeds, read: readArchive },
];
