import { cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashFile } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { languageConfig, registry, writeCheckpoint } from '../__fixtures__/checkpoints.js';
import { exportCheckpoint } from '../export-checkpoint.js';
import { readExported } from './read-exported.js';

let root: string;
let checkpoint: string;
let engine: Engine;
let exported: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-read-'));
  engine = await openEngine('onnx');
  const config = languageConfig([{ use: 't2r-mlp', features: 4 }, { use: 'softmax' }]);
  checkpoint = await writeCheckpoint(join(root, 'checkpoint'), config);
  exported = join(root, 'exported');
  await exportTo(exported);
});
afterAll(async () => {
  await engine.dispose();
  await rm(root, { recursive: true });
});

const exportTo = (to: string, force = false) =>
  exportCheckpoint(checkpoint, {
    to,
    force,
    engine,
    context: registry,
    chunk: 8,
    capacity: 40,
    compared: 60,
    name: 'tiny',
  });

/** A copy that a test may damage. */
async function copy(name: string): Promise<string> {
  await cp(exported, join(root, name), { recursive: true });
  return join(root, name);
}

it('reads what was exported, with right sizes and checksums', async () => {
  const { manifest, path } = await readExported(exported);
  expect(manifest).toMatchObject({ name: 'tiny', kind: 'decoder-lm', recurrent: false, capacity: 40, dtype: 'fp32' });
  expect(Object.keys(manifest.files).sort()).toEqual(
    [
      'README.md',
      'generation_config.json',
      'model_prefill.onnx',
      'model_step.onnx',
      'model_weights.data',
      'parity.json',
      'tokenizer.json',
    ].sort(),
  );
  for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
    expect((await readFile(path(file))).length).toBe(bytes);
    expect(await hashFile(path(file))).toBe(sha256);
  }
  // T2R: S [2 heads, 4, 9]; softmax: k and v [2 heads, 40, 8].
  expect(manifest.state_bytes).toBe(4 * (2 * 4 * 8 + 2 * 4 + 2 * 2 * 40 * 8));
});

it('tells what is wrong with a damaged folder', async () => {
  await expect(readExported(join(root, 'nothing'))).rejects.toThrow("cannot read the exported model's");
  await expect(readExported(checkpoint)).rejects.toThrow('its format is "t2r-checkpoint"');

  const short = await copy('short');
  const step = join(short, 'model_step.onnx');
  const { length } = await readFile(step);
  await truncate(step, 1000);
  await expect(readExported(short)).rejects.toThrow(`has 1000 bytes instead of the ${length}`);
  await rm(step);
  await expect(readExported(short)).rejects.toThrow('lacks its file model_step.onnx');

  const bare = await copy('bare');
  await rm(join(bare, 'model_weights.data'));
  await expect(readExported(bare)).rejects.toThrow('lacks its file model_weights.data');

  const flipped = await copy('flipped');
  const bytes = await readFile(join(flipped, 'model_prefill.onnx'));
  bytes[bytes.length >> 1]! ^= 1;
  await writeFile(join(flipped, 'model_prefill.onnx'), bytes);
  await expect(readExported(flipped)).rejects.toThrow('has another content than config.json tells');
  expect((await readExported(flipped, { verify: false })).manifest.name).toBe('tiny');

  const config = await copy('config');
  await writeFile(join(config, 'config.json'), '{"format": "t2r-onnx",');
  await expect(readExported(config)).rejects.toThrow('cannot read');
});

it('replaces an export only when told to, and leaves other files alone', async () => {
  await expect(exportTo(exported)).rejects.toThrow('is not empty');
  const again = await copy('again');
  await writeFile(join(again, 'notes.txt'), 'mine');
  await exportTo(again, true);
  expect((await readExported(again)).manifest.model_hash).toBe((await readExported(exported)).manifest.model_hash);
  expect(await readFile(join(again, 'notes.txt'), 'utf8')).toBe('mine');
  await expect(exportTo(checkpoint, true)).rejects.toThrow('is not that of an exported model, and is not overwritten');
});

it('refuses sizes and weights that make no sense', async () => {
  const to = join(root, 'refused');
  await expect(exportCheckpoint(checkpoint, { to, engine, context: registry, batch: 0 })).rejects.toThrow('batch:');
});
