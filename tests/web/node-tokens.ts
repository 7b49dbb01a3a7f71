/** What Node generates, to hold browsers to. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '@t2r/engine';
import { checkpointGenerator, type GenerateOptions, type TextGenerator } from '@t2r/generation';
import { registry } from './tiny-models.js';

/** Opens the generator of a checkpoint. */
export const openGenerator = (checkpoint: string, engine: Engine): Promise<TextGenerator> =>
  checkpointGenerator(checkpoint, { engine, context: registry, chunk: 16 });

/** Ids that a generator chooses after a text. */
export async function nodeTokens(
  generator: TextGenerator,
  prompt: string,
  options: GenerateOptions,
): Promise<number[]> {
  const ids: number[] = [];
  const promptIds = prompt === '' ? [] : generator.tokenizer!.encode(prompt);
  for await (const { id } of generator.generate(promptIds, options)) ids.push(id);
  return ids;
}

/** All files of a folder by name. */
export async function folderContents(folder: string): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const name of await readdir(folder)) contents.set(name, new Uint8Array(await readFile(join(folder, name))));
  return contents;
}
