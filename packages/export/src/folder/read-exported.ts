/** Opens an exported folder: its config.json, and whether the files are those it tells of. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, UserError } from '@t2r/core';
import { type ExportManifest, MANIFEST_FILE, parseManifest } from '../manifest.js';

export interface ReadExportedOptions {
  /** Compare every file with its checksum, which reads all of it; sizes are compared in any case. Default true. */
  verify?: boolean;
}

export interface ExportedFolder {
  folder: string;
  manifest: ExportManifest;
  /** Path of one of its files. */
  path(file: string): string;
}

/**
 * Reads the config.json of an exported folder and checks its files.
 *
 * @throws UserError where the folder is none, config.json is damaged, or a file is missing, truncated or has another content
 */
export async function readExported(
  folder: string,
  { verify = true }: ReadExportedOptions = {},
): Promise<ExportedFolder> {
  const manifest = await readManifest(join(folder, MANIFEST_FILE));
  const graphs = [manifest.step, 'prefill' in manifest ? manifest.prefill : manifest.encode];
  const needed = [...graphs.map(({ file }) => file), ...(manifest.weights === undefined ? [] : [manifest.weights])];
  const unlisted = needed.find((file) => !Object.hasOwn(manifest.files, file));
  if (unlisted !== undefined)
    throw new UserError(`${join(folder, MANIFEST_FILE)} does not list ${unlisted} among its files`, { hint: AGAIN });
  for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const path = join(folder, file);
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile())
      throw new UserError(`the exported model in ${folder} lacks its file ${file}`, { hint: AGAIN });
    if (found.size !== bytes)
      throw new UserError(`${path} has ${found.size} bytes instead of the ${bytes} that config.json tells`, {
        hint: found.size < bytes ? `It is truncated: copy it again. ${AGAIN}` : AGAIN,
      });
    if (verify && (await hashFile(path)) !== sha256)
      throw new UserError(`${path} has another content than config.json tells: its SHA-256 is not ${sha256}`, {
        hint: `It is damaged or was changed. ${AGAIN}`,
      });
  }
  return { folder, manifest, path: (file) => join(folder, file) };
}

const AGAIN = 'Export the model again, or copy the whole folder.';

async function readManifest(path: string): Promise<ExportManifest> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new UserError(`cannot read the exported model's ${path}: ${(cause as Error).message}`, {
      hint: 'An exported model is a folder with config.json, model_step.onnx and others, as `t2r export` writes it.',
      cause,
    });
  }
  return parseManifest(json, path);
}
