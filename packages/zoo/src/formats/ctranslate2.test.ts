import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensors } from '../open.js';
import { craft, expectSame, failure, fixture } from '../testing/fixtures.js';

const folder = fixture('ctranslate2');

test('all types, scales per row and per tensor, and aliases', async () => {
  await expectSame(folder, join(folder, 'model.expected.safetensors'));
  const source = await openTensors(folder);
  await source.close();
  expect(source.metadata).toEqual({ version: 6, spec: 'TransformerDecoderSpec', revision: 8 });
  expect(source.entries.get('decoder/embeddings/weight')).toMatchObject({ dtype: 'I8', reads: 'float32' });
  expect(source.entries.get('decoder/projection/weight')).toMatchObject({ tiedTo: 'decoder/embeddings/weight' });
});

describe('damaged files', () => {
  const whole = () => readFile(join(folder, 'model.bin'));

  test('truncated anywhere', async () => {
    const bytes = await whole();
    for (let length = 40; length < bytes.length; length += 7)
      expect((await failure(await craft(bytes.subarray(0, length)))).message).toContain('truncated');
  });

  test.each([
    ['another version', (bytes: Buffer) => bytes.writeUInt32LE(5, 0), 'binary version 5; only 6 is read'],
    [
      'an unknown type',
      (bytes: Buffer) => bytes.writeUInt8(9, bytes.indexOf('alignment_layer\0') + 17),
      'element type is 9',
    ],
    [
      'a size unlike the shape',
      (bytes: Buffer) => bytes.writeUInt32LE(3, bytes.indexOf('alignment_layer\0') + 18),
      '3 are stated',
    ],
    ['more variables than there are', (bytes: Buffer) => bytes.writeUInt32LE(4e9, 33), 'its element type is 26'],
    [
      'an alias of nothing',
      (bytes: Buffer) => bytes.write('x', bytes.lastIndexOf('decoder/emb')),
      'which is not there',
    ],
  ])('%s', async (_, damage, message) => {
    const bytes = await whole();
    damage(bytes);
    expect((await failure(await craft(bytes))).message).toContain(message);
  });

  test('bytes after the end', async () => {
    const bytes = Buffer.concat([await whole(), Buffer.alloc(3)]);
    expect((await failure(await craft(bytes))).message).toContain('3 bytes follow');
  });
});

// A trained model, where its folder is at hand; digests.json says what Python reads from it.
test.skipIf(process.env.T2R_DATA === undefined)('a real model: every value of every tensor', async () => {
  const digests: Record<string, { dtype: string; shape: number[]; sha256: string }> = JSON.parse(
    await readFile(fixture('ctranslate2', 'onmt-test-lm.digests.json'), 'utf8'),
  );
  const source = await openTensors(join(process.env.T2R_DATA!, 'onmt-test-lm'));
  expect([...source.entries.keys()]).toEqual(Object.keys(digests));
  for (const name of source.entries.keys()) {
    const { shape, dtype, data } = await source.read(name);
    const sha256 = createHash('sha256').update(Buffer.from(data.buffer)).digest('hex');
    expect({ shape, dtype, sha256 }, name).toEqual(digests[name]);
  }
  await source.close();
});
