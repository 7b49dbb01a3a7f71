/** States as files: what `t2r generate --save-state` writes. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';

export interface SnapshotContent {
  position: number;
  /** By name, as the graphs have them: caches with all the room there is. */
  values: ReadonlyMap<string, Float32Array>;
  /** Ids of the text, when the file tells them. */
  ids: readonly number[];
}

export async function snapshotFile(
  _manifest: LanguageManifest,
  _content: SnapshotContent,
): Promise<Uint8Array<ArrayBuffer>> {
  throw new UserError('not yet');
}

export async function openSnapshot(_manifest: LanguageManifest, _file: Uint8Array): Promise<SnapshotContent> {
  throw new UserError('not yet');
}
