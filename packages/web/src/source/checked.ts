/** Reads the files of an exported folder and holds them to the sizes and checksums of its config.json. */
import { UserError } from '@t2r/core/errors';
import { type ExportManifest, type LanguageManifest, MANIFEST_FILE, parseManifest } from '@t2r/export/manifest';
import type { LoadProgress } from '../types.js';
import type { ModelFolder } from './folder.js';

/** The config.json of a language model's folder. @throws UserError where it is of another kind, missing or wrong. */
export async function readManifest(folder: ModelFolder): Promise<LanguageManifest> {
  const bytes = await folder.read(MANIFEST_FILE);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new UserError(`${MANIFEST_FILE} of ${folder.name} is not JSON: ${(cause as Error).message}`, {
      hint: 'Export the model again.',
      cause,
    });
  }
  const manifest: ExportManifest = parseManifest(json, `${MANIFEST_FILE} of ${folder.name}`);
  if (manifest.kind === 'decoder-lm') return manifest;
  throw new UserError(`${manifest.name} is a model of the kind ${manifest.kind}; the browser runs decoder-lm`, {
    hint: 'Translate with `t2r translate`, or export a language model.',
  });
}

/**
 * Reads some files of a folder and checks them.
 * @throws UserError where one is missing, or not what config.json says it is.
 */
export async function readChecked(
  folder: ModelFolder,
  { files }: LanguageManifest,
  names: readonly string[],
  onProgress?: (progress: LoadProgress) => void,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const total = names.reduce((sum, name) => sum + (files[name]?.bytes ?? 0), 0);
  const contents = new Map<string, Uint8Array<ArrayBuffer>>();
  let before = 0;
  for (const name of names) {
    const expected = files[name];
    if (expected === undefined)
      throw new UserError(`${MANIFEST_FILE} of ${folder.name} needs ${name} and does not list it under files`, {
        hint: 'Export the model again.',
      });
    const bytes = await folder.read(name, (read) => onProgress?.({ file: name, bytes: before + read, total }));
    if (bytes.length !== expected.bytes)
      throw damaged(name, folder, `it has ${bytes.length} bytes, ${MANIFEST_FILE} says ${expected.bytes}`);
    // Pages that are neither local nor behind https have no `crypto.subtle`; the size has to do there.
    if (globalThis.crypto?.subtle !== undefined && (await sha256(bytes)) !== expected.sha256)
      throw damaged(name, folder, `its SHA-256 is not that of ${MANIFEST_FILE}`);
    before += bytes.length;
    contents.set(name, bytes);
  }
  return contents;
}

const damaged = (name: string, { name: folder }: ModelFolder, how: string) =>
  new UserError(`${name} of ${folder} is damaged or of another export: ${how}`, {
    hint: 'Copy the whole folder again.',
  });

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
