/** Finds what belongs to a language model at a path: its configuration, its weights, its tokenizer and what is said of it. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isFile, nearestName, UserError } from '@t2r/core';
import type { JsonObject } from './architectures/types.js';
import { FOLDER_FILES, openTensors } from './open.js';
import type { TensorSource } from './tensor-source.js';

/** What lies at a path. Close `source` when done. */
export interface FoundModel {
  /** Folder of the weights, or the file that was named. */
  path: string;
  folder: string;
  source: TensorSource;
  /** The configuration: config.json, Meta's params.json, or what a fairseq or CTranslate2 file says of itself. */
  config: JsonObject;
  /** The file it stands in, where it is one of its own. */
  configFile?: string;
  /** True for a checkpoint folder of this project. */
  own: boolean;
}

const CONFIG = 'config.json';
const PARAMS = 'params.json';
/** Weights of Meta's checkpoints and of fairseq's, which a folder's other files do not lead to. */
const MORE_WEIGHTS = [
  'consolidated.00.pth',
  'consolidated.pth',
  'checkpoint_best.pt',
  'checkpoint_last.pt',
  'model.pt',
];

const EXPECTED =
  "Give a folder with config.json and weights (transformers, CTranslate2 or this project's own), params.json and consolidated.00.pth " +
  '(Meta), a fairseq .pt file, or hf:owner/name@revision.';

/** @throws UserError naming what lies beside a path that is not there */
async function missing(path: string): Promise<never> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) throw new UserError(`there is no file or folder ${path}`, { hint: EXPECTED });
  const nearest = nearestName(basename(path), names);
  throw new UserError(`there is no file or folder ${path}`, {
    hint: nearest === undefined ? EXPECTED : `Did you mean ${join(folder, nearest)}? ${EXPECTED}`,
  });
}

/** An object that stands in a JSON file. @throws UserError where it is damaged */
export async function readJson(path: string): Promise<JsonObject> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new UserError(`${path} cannot be read as JSON: ${(cause as Error).message}`, {
      location: { file: path },
      hint: 'Copy or download the file again.',
      cause,
    });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new UserError(`${path} is no configuration: expected a JSON object`, { location: { file: path } });
}

/** Meta splits larger models by columns and rows; putting them together is not what this project does. */
async function refuseParts(folder: string): Promise<void> {
  if (!(await isFile(join(folder, 'consolidated.01.pth')))) return;
  throw new UserError(`${folder} holds a model in several consolidated files, which are not put together here`, {
    hint: "Convert it by transformers' convert_llama_weights_to_hf.py and give the folder that it writes.",
  });
}

/** The file of weights in a folder: what `openTensors` finds there, or one of the names that it does not know. */
async function weightsOf(folder: string): Promise<string> {
  for (const name of FOLDER_FILES) if (await isFile(join(folder, name))) return folder;
  await refuseParts(folder);
  for (const name of MORE_WEIGHTS) if (await isFile(join(folder, name))) return join(folder, name);
  return folder;
}

/** The configuration beside or inside the weights. @throws UserError where there is none */
async function configOf(folder: string, { path, metadata, format }: TensorSource) {
  for (const name of [CONFIG, PARAMS]) {
    const file = join(folder, name);
    if (!(await isFile(file))) continue;
    const json = await readJson(file);
    return { config: format === 'ctranslate2' ? { ...metadata, ...json } : json, configFile: file };
  }
  if (metadata.spec !== undefined || metadata.args || metadata.cfg) return { config: { ...metadata } };
  throw new UserError(`${path}: there is no ${CONFIG} beside the weights`, {
    hint: 'Weights alone do not say how many heads a model has; copy the config.json that belongs to them beside them.',
  });
}

/**
 * Opens the model at a path, a folder or a file of weights. Only headers and small files are read.
 * @throws UserError where there is nothing, no configuration, or something is damaged
 */
export async function findModel(path: string): Promise<FoundModel> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return missing(path);
  const isFolder = found.isDirectory();
  const folder = isFolder ? path : dirname(path);
  const source = await openTensors(isFolder ? await weightsOf(folder) : path);
  try {
    const { config, configFile } = await configOf(folder, source);
    return { path, folder, source, config, configFile, own: config.format === 't2r-checkpoint' };
  } catch (error) {
    await source.close();
    throw error;
  }
}
