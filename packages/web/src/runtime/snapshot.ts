/** States as files, which Node and browsers read alike, and as the graphs have them. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import { decodeSnapshot, encodeSnapshot, type StateSnapshot } from '@t2r/generation/portable';
import { positionLimit } from './position-limit.js';
import { resizeAxis } from './resize.js';

/** A state between a file and the graphs. */
export interface SnapshotContent {
  position: number;
  /** By name, as the graphs have them: caches with all the room there is. */
  values: ReadonlyMap<string, Float32Array>;
  /** Ids that follow and are not in the state. */
  pending: readonly number[];
  /** Text so far, where it is known. */
  text?: string;
}

/** Writes a file. Its caches hold no more than the positions there are. */
export async function snapshotFile(
  { state, model_hash: modelHash, dtype }: LanguageManifest,
  { position, values, pending, text }: SnapshotContent,
): Promise<Uint8Array<ArrayBuffer>> {
  const tensors = state.map(({ name, shape, grows }) => {
    const data = values.get(name)!;
    if (grows === false) return [name, { shape, data }] as const;
    return [name, { shape: shape.with(grows, position), data: resizeAxis(data, shape, grows, position) }] as const;
  });
  const snapshot: StateSnapshot = { position, state: Object.fromEntries(tensors), pending, text };
  return (await encodeSnapshot(snapshot, { modelHash, dtype })) as Uint8Array<ArrayBuffer>;
}

/** Reads a file. @throws UserError where it is damaged, of another model, or has more positions than there is room for. */
export async function openSnapshot(manifest: LanguageManifest, file: Uint8Array): Promise<SnapshotContent> {
  const { position, state, pending = [], text } = await decodeSnapshot(file, { modelHash: manifest.model_hash });
  const limit = positionLimit(manifest);
  if (position + pending.length > limit)
    throw new UserError(`the state has ${position + pending.length} positions; here is room for ${limit}`, {
      hint: 'Export the model with a larger --capacity.',
    });
  const values = new Map<string, Float32Array>();
  for (const { name, shape, grows } of manifest.state) {
    const tensor = state[name];
    const expected = grows === false ? shape : shape.with(grows, position);
    if (tensor === undefined || `${tensor.shape}` !== `${expected}`)
      throw new UserError(`the state's ${name} is [${tensor?.shape ?? 'missing'}], and the model's [${expected}]`, {
        hint: 'A state goes on only with the model that made it.',
      });
    const data = tensor.data as Float32Array;
    values.set(name, grows === false ? data : resizeAxis(data, expected, grows, shape[grows]!));
  }
  return { position, values, pending, text };
}
