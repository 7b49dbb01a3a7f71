/** How large a state is. */
import type { LanguageManifest } from '@t2r/export/manifest';

const FLOAT_BYTES = 4;

/** Bytes that the state of one sequence needs at a position: all of what has a fixed size, and of caches what is filled. */
export function stateBytes({ state, batch }: LanguageManifest, position: number): number {
  let floats = 0;
  for (const { shape, grows } of state) {
    const size = shape.reduce((product, length) => product * length, 1) / batch;
    floats += grows === false ? size : (size / shape[grows]!) * Math.min(position, shape[grows]!);
  }
  return floats * FLOAT_BYTES;
}
