/** The files of an exported folder, wherever they lie. */
import { UserError } from '@t2r/core/errors';
import { MANIFEST_FILE } from '@t2r/export/manifest';
import type { ModelSource } from '../types.js';
import { addressFolder } from './address.js';

export interface ModelFolder {
  /** What messages call the folder. */
  readonly name: string;
  /**
   * Reads a file; `onBytes` is told how many of its bytes have come.
   * @throws UserError where there is none of that name or it cannot be read.
   */
  read(file: string, onBytes?: (bytes: number) => void): Promise<Uint8Array<ArrayBuffer>>;
}

/** The folder that a source stands for. @throws UserError where it cannot be one. */
export function openFolder(source: ModelSource): ModelFolder {
  if (typeof source === 'string' || source instanceof URL) return addressFolder(source);
  if (source instanceof Map) return contentsFolder(source);
  return pickedFolder([...(source as Iterable<File>)]);
}

/** Contents in memory, by name. */
function contentsFolder(contents: ReadonlyMap<string, Uint8Array>): ModelFolder {
  return {
    name: 'the files given',
    async read(file, onBytes) {
      const bytes = contents.get(file);
      if (bytes === undefined) throw missing(file, 'the files given', [...contents.keys()]);
      onBytes?.(bytes.length);
      return new Uint8Array(bytes);
    },
  };
}

/** Files that were picked or dropped, alone or with the folder around them. */
function pickedFolder(files: readonly File[]): ModelFolder {
  const manifests = files.filter(({ name }) => name === MANIFEST_FILE);
  if (manifests.length !== 1) {
    const found = manifests.length === 0 ? `no ${MANIFEST_FILE}` : `${manifests.length} files ${MANIFEST_FILE}`;
    throw new UserError(`there ${manifests.length < 2 ? 'is' : 'are'} ${found} among the ${files.length} files`, {
      hint: 'Choose one folder that `t2r export` has written, or all files in it.',
    });
  }
  const folder = folderOf(manifests[0]!);
  const beside = new Map(files.filter((file) => folderOf(file) === folder).map((file) => [file.name, file]));
  const name = folder === '' ? 'the files chosen' : folder;
  return {
    name,
    async read(file, onBytes) {
      const found = beside.get(file);
      if (found === undefined) throw missing(file, name, [...beside.keys()]);
      try {
        const bytes = new Uint8Array(await found.arrayBuffer());
        onBytes?.(bytes.length);
        return bytes;
      } catch (cause) {
        throw new UserError(`${file} of ${name} cannot be read: ${(cause as Error).message}`, {
          hint: 'It may have been moved or changed since it was chosen; choose the folder again.',
          cause,
        });
      }
    },
  };
}

const folderOf = ({ name, webkitRelativePath = '' }: File) => webkitRelativePath.slice(0, -name.length - 1);

function missing(file: string, name: string, present: readonly string[]): UserError {
  return new UserError(`there is no ${file} in ${name}`, {
    hint: `There are: ${[...present].sort().join(', ') || 'no files'}. Choose all files of the exported folder.`,
  });
}
