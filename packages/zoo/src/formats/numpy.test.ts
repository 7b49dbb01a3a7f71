import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { readTensors } from '../open.js';
import { craft, expectSame, failure, fixture } from '../testing/fixtures.js';

const file = (name: string) => fixture('numpy', name);

test.each(['arrays.npz', 'arrays-deflated.npz'])(
  '%s: every type, either order of bytes, either order of dimensions',
  async (name) => {
    await expectSame(file(name), file('arrays.expected.safetensors'));
  },
);

test.each([1, 2, 3])('an array file of version %i', async (version) => {
  const { tensors } = await readTensors(file(`version${version}.npy`));
  expect(tensors).toEqual({
    arr_0: { shape: [2, 3], dtype: 'float32', data: new Float32Array([0, 1, 2, 3, 4, 5]) },
  });
});

test.each([
  ['objects.npy', 'cannot read elements of type "\'|O\'"'],
  ['texts.npy', 'cannot read elements of type "\'<U2\'"'],
  ['records.npy', 'cannot read elements of type "['],
])('%s is refused', async (name, message) => {
  expect((await failure(file(name))).message).toContain(message);
});

test('a damaged member is found by its checksum', async () => {
  const bytes = await readFile(file('arrays.npz'));
  // The last element of the first member.
  const next = bytes.indexOf('PK\x03\x04', 4, 'latin1');
  bytes[next - 1]! ^= 1;
  expect((await failure(await craft(bytes))).message).toContain('checksum');
});

function npy(header: string, data: Uint8Array, length = header.length): Buffer {
  const prefix = Buffer.from('\x93NUMPY\x01\x00\x00\x00', 'latin1');
  prefix.writeUInt16LE(length, 8);
  return Buffer.concat([prefix, Buffer.from(header), data]);
}

test('the header as Python 2 writes it, with its keys in any order', async () => {
  const header = "{'shape': (2L, 1L), 'descr': '>i2', 'fortran_order': True}\n";
  const { tensors } = await readTensors(await craft(npy(header, new Uint8Array([0, 7, 1, 0]))));
  expect(tensors.arr_0).toEqual({ shape: [2, 1], dtype: 'int32', data: new Int32Array([7, 256]) });
});

test.each([
  ['no dictionary', "['descr']", 'its header is not one'],
  ['a call', "{'descr': open('x'), 'fortran_order': False, 'shape': (2,), }", 'its header is not one'],
  ['a missing key', "{'descr': '<f4', 'fortran_order': False, 'descr': '<f4', }", 'its header is not one'],
  ['a size that is none', "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1,), }", 'its shape'],
  [
    'more than there is',
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    'its elements take 12 bytes, but 8',
  ],
  ['huge', "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }", 'its elements take'],
])('%s', async (_, header, message) => {
  expect((await failure(await craft(npy(header, new Uint8Array(8))))).message).toContain(message);
});

test('a header of blanks is judged at once', async () => {
  const blanks = ' '.repeat(3000);
  const header = `{'descr': '<f4'${blanks}'shape': (2,)${blanks}'fortran_order': False${blanks}!}`;
  const path = await craft(npy(header, new Uint8Array(8)));
  expect((await failure(path)).message).toContain('its header is not one');
}, 20_000);

test('a header longer than the file, and one that is too long', async () => {
  expect((await failure(await craft(npy('{}', new Uint8Array(), 900)))).message).toContain('truncated');
  expect((await failure(await craft(npy('{}', new Uint8Array(), 60_000)))).message).toContain('more than 10000');
});
