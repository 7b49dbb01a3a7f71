import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensors, readTensors } from '../open.js';
import { craft, expectSame, failure, fixture, temporaryFolder } from '../testing/fixtures.js';

const file = (name: string) => fixture('pytorch', name);

describe('golden checkpoints', () => {
  const golden = (name: string) => fixture('goldens', name);

  test.each(['fairseq-zip.pt', 'fairseq-legacy.pt', 'state-dict.bin'])(
    '%s holds the expected tensors',
    async (name) => {
      // The expected file has the booleans as floats.
      const plain = async (path: string) =>
        Object.entries((await readTensors(golden(path))).tensors).map(([key, { shape, data }]) => [
          key,
          shape,
          [...data],
        ]);
      expect((await plain(name)).sort()).toEqual((await plain('expected.safetensors')).sort());
    },
  );

  test.each(['fairseq-zip.pt', 'fairseq-legacy.pt'])('%s tells what stands beside the model', async (name) => {
    const source = await openTensors(golden(name));
    await source.close();
    expect(source.metadata).toEqual({
      args: {
        arch: 'transformer_lm',
        decoder_layers: 2,
        tie_adaptive_weights: true,
        adaptive_softmax_cutoff: '20000,60000',
        lr: [0.1],
      },
      optimizer_history: [{ num_updates: 7, best: null }],
      extra_state: { epoch: 3, val_loss: 1.25 },
    });
    expect(source.entries.get('decoder.tied.weight')).toMatchObject({ tiedTo: 'decoder.embed.weight' });
    expect(source.entries.get('transposed')?.tiedTo).toBeUndefined();
  });

  test.each(['malicious-zip.pt', 'malicious-legacy.pt'])('%s is refused by the name it asks for', async (name) => {
    const before = await readdir('.');
    const { message } = await failure(golden(name));
    expect(message).toContain('posix.system');
    expect(message).toContain('nothing was executed');
    expect(await readdir('.')).toEqual(before);
  });

  test('a truncated file gives one clear error', async () => {
    expect((await failure(golden('truncated.pt'))).message).toContain('the file is truncated');
  });

  test('a legacy file truncated anywhere is a clear error', async () => {
    const whole = await readFile(golden('fairseq-legacy.pt'));
    const path = join(await temporaryFolder(), 'cut.pt');
    for (let length = 20; length < whole.length; length += 37) {
      await writeFile(path, whole.subarray(0, length));
      expect((await failure(path)).message, String(length)).toContain('truncated');
    }
  });
});

describe('files that PyTorch has written', () => {
  test('every element type is read to the value that PyTorch converts it to', async () => {
    await expectSame(file('types.pt'), file('types.expected.safetensors'));
    const source = await openTensors(file('types.pt'));
    await source.close();
    for (const [name, { dtype }] of source.entries) expect(dtype).toBe(name);
  });

  test('the legacy format, and bytes in the order of a big-endian machine', async () => {
    const names = ['F64', 'F32', 'F16', 'BF16', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'];
    await expectSame(file('types-legacy.pt'), file('types.expected.safetensors'), names);
    await expectSame(file('types-big-endian.pt'), file('types.expected.safetensors'), names);
  });

  test.each([
    'views.pt',
    'views-legacy.pt',
    'views-protocol4.pt',
    'views-no-checksums.pt',
    'views-deflated.pt',
    'views-zip64.pt',
  ])('%s: views, shared storages, scalars and parameters', async (name) => {
    await expectSame(file(name), file('views.expected.safetensors'));
  });

  test('a module, with buffers and integers', async () => {
    await expectSame(file('module.pt'), file('module.expected.safetensors'));
  });

  test('a model in a dictionary, nested, with all kinds of values beside it', async () => {
    await expectSame(file('beside.pt'), file('beside.expected.safetensors'));
    const { metadata } = await readTensors(file('beside.pt'));
    expect(metadata).toEqual({
      cfg: { model: { arch: 'transformer', heads: 4 }, lr: [0.25], best: 1.5 },
      size: [2, 3],
      dtype: 'torch.float16',
      device: 'cpu',
      counts: { a: 2 },
      groups: { b: [1, [2, null]] },
      names: ['only'],
      large: '1152921504606846976',
      raw: '\u0000ÿ',
      optimizer: { state: { 0: {} } },
      train_meters: { wall: { sum: 3 } },
    });
  });

  test('NumPy arrays in the place of tensors', async () => {
    await expectSame(file('arrays.pt'), file('arrays.expected.safetensors'));
  });

  test('the output layer of OpenNMT-py beside its model; a lone tensor; a list', async () => {
    const names = async (name: string) => Object.keys((await readTensors(file(name))).tensors);
    expect(await names('generator.pt')).toEqual(['w', 'generator.0.bias']);
    expect(await names('single.pt')).toEqual(['tensor']);
    expect(await names('list.pt')).toEqual(['0', '1']);
  });

  test('files without tensors and programs are refused', async () => {
    expect((await failure(file('no-tensors.pt'))).message).toContain('it holds no tensors');
    expect((await failure(file('script.pt'))).message).toContain('TorchScript');
  });

  test('a damaged weight is found by its checksum', async () => {
    const bytes = await readFile(file('module.pt'));
    const { data } = (await readTensors(file('module.pt'))).tensors['0.weight']!;
    const at = bytes.indexOf(Buffer.from(data.buffer));
    bytes[at + 5]! ^= 1;
    expect((await failure(await craft(bytes))).message).toContain('checksum');
  });
});

describe('checkpoints that contradict themselves', () => {
  /** A golden file with some bytes of its pickle replaced by others. */
  async function changed(from: string, to: string): Promise<string> {
    const bytes = await readFile(fixture('goldens', 'fairseq-legacy.pt'), 'latin1');
    expect(bytes).toContain(from);
    return craft(Buffer.from(bytes.replace(from, to), 'latin1'));
  }

  test.each([
    // Sizes (6, 5) and strides (5, 1) of the first tensor, as BININT1 and TUPLE2.
    ['a view beyond its storage', 'K\x06K\x05\x86', 'K\x07K\x05\x86', 'ends at element 35 of a storage of 30'],
    ['strides beyond the storage', 'K\x05K\x01\x86', 'K\x06K\x01\x86', 'of a storage of 30'],
    ['an unknown function', '_rebuild_tensor_v2', '_rebuild_tensor_v9', 'torch._utils._rebuild_tensor_v9'],
    ['an unknown storage', 'HalfStorage', 'HaltStorage', 'torch.HaltStorage'],
  ])('%s', async (_, from, to, message) => {
    expect((await failure(await changed(from, to))).message).toContain(message);
  });
});
