import { describe, expect, it } from 'vitest';
import { type ExportManifest, parseManifest } from './manifest.js';

const HASH = 'ab'.repeat(32);

const manifest: ExportManifest = {
  format: 't2r-onnx',
  format_version: 2,
  name: 'tiny',
  model_hash: HASH,
  kind: 'decoder-lm',
  recurrent: true,
  vocab: 8,
  max_positions: null,
  dtype: 'fp32',
  batch: 1,
  capacity: null,
  step: { file: 'model_step.onnx' },
  weights: 'model_weights.data',
  prefill: { file: 'model_prefill.onnx', chunk: 16 },
  state: [{ name: 'layers.0.S', shape: [1, 2, 4, 4], grows: false }],
  state_bytes: 128,
  tokenizer: 'tokenizer.json',
  end_of_text: 0,
  files: { 'model_step.onnx': { bytes: 10, sha256: HASH } },
  model: { use: 'decoder-lm' },
};

describe('parseManifest', () => {
  it('gives back what was written', () => {
    expect(parseManifest(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest);
  });

  it('knows folders of version 1, whose graphs have the weights inside', () => {
    const { weights, ...rest } = manifest;
    expect(parseManifest({ ...rest, format_version: 1 })).toEqual({ ...rest, format_version: 1 });
  });

  it.each([
    [{ ...manifest, format: 't2r-checkpoint' }, 'its format is "t2r-checkpoint"'],
    [[], 'its format is not told'],
    [{ ...manifest, format_version: 3 }, 'format_version 3; versions 1 and 2 are known'],
    [{ ...manifest, dtype: 'int7' }, 'dtype:'],
    [{ ...manifest, state: [{ name: 'a', shape: [0], grows: false }] }, 'state.0.shape.0:'],
    [{ ...manifest, step: { file: '../../etc/passwd' } }, 'step.file: expected the name of a file in the folder'],
    [{ ...manifest, more: 1 }, 'the file: Unrecognized key: "more"'],
  ])('refuses what is wrong, and tells where', (json, message) => {
    expect(() => parseManifest(json)).toThrow(message);
  });
});
