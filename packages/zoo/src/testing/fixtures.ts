/** Fixtures of this package, and comparing what is read from them with what Python says is in them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '@t2r/core';
import { expect, onTestFinished } from 'vitest';
import { readTensors } from '../open.js';

export const fixture = (...path: string[]) => join(import.meta.dirname, '../../fixtures', ...path);

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 't2r-zoo-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A file with these bytes. */
export async function craft(bytes: Uint8Array, name = 'crafted.bin'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, bytes);
  return path;
}

/** All tensors of a checkpoint, and nothing else, have the names, shapes, types and values of another. */
export async function expectSame(path: string, expectedPath: string, names?: readonly string[]): Promise<void> {
  const { tensors } = await readTensors(path);
  const { tensors: expected } = await readTensors(expectedPath);
  expect(Object.keys(tensors).sort()).toEqual((names ?? Object.keys(expected)).toSorted());
  for (const [name, tensor] of Object.entries(tensors)) expect(tensor, name).toEqual(expected[name]);
}

/** The one error that reading all of a checkpoint gives. */
export async function failure(path: string): Promise<UserError> {
  const error = await readTensors(path).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).message).toContain(path);
  return error as UserError;
}
