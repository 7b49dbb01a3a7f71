/**
 * LLaMA in the files that Meta publishes (params.json beside consolidated.00.pth): the pairs that rotary positions turn are
 * columns 2j and 2j + 1 there. Here they become j and j + half, as transformers has them, so that the model can be written
 * for it. Source: llama/model.py of facebookresearch/llama, and transformers' convert_llama_weights_to_hf.py.
 */
import { UserError } from '@t2r/core';
import { z } from 'zod';
import type { NameMap } from './names.js';
import { PLAIN, parseOptions, refuse, softmaxLayers } from './options.js';
import { rotaryPairs, transposed } from './transforms.js';
import type { Architecture, TensorReader } from './types.js';

const NAME = 'llama-meta';
const size = z.int().positive();

const schema = z.object({
  dim: size,
  n_layers: size,
  n_heads: size,
  n_kv_heads: size.nullish(),
  norm_eps: z.number().positive(),
  rope_theta: z.number().positive().default(10_000),
  max_seq_len: size.default(2048),
});

const TOKENS = 'tok_embeddings.weight';
const UP = 'layers.0.feed_forward.w3.weight';

/** The files say vocab_size: -1, and the width of the feed-forward blocks only in the tensors. */
function shapeOf(reader: TensorReader | undefined, name: string): readonly number[] {
  const shape = reader?.entries.get(name)?.shape;
  if (shape === undefined) throw new UserError(`${reader?.path ?? NAME}: the tensor ${name} is missing`);
  return shape;
}

const names = (heads: number, kvHeads: number): NameMap => ({
  rules: [
    { ours: 'embed.weight', theirs: TOKENS },
    { ours: 'layers.{n}.norm1.weight', theirs: 'layers.{n}.attention_norm.weight' },
    { ours: 'layers.{n}.attention.q.weight', theirs: 'layers.{n}.attention.wq.weight', as: rotaryPairs(heads) },
    { ours: 'layers.{n}.attention.k.weight', theirs: 'layers.{n}.attention.wk.weight', as: rotaryPairs(kvHeads) },
    { ours: 'layers.{n}.attention.v.weight', theirs: 'layers.{n}.attention.wv.weight', as: transposed },
    { ours: 'layers.{n}.attention.out.weight', theirs: 'layers.{n}.attention.wo.weight', as: transposed },
    { ours: 'layers.{n}.norm2.weight', theirs: 'layers.{n}.ffn_norm.weight' },
    { ours: 'layers.{n}.gate.weight', theirs: 'layers.{n}.feed_forward.w1.weight', as: transposed },
    { ours: 'layers.{n}.fc1.weight', theirs: 'layers.{n}.feed_forward.w3.weight', as: transposed },
    { ours: 'layers.{n}.fc2.weight', theirs: 'layers.{n}.feed_forward.w2.weight', as: transposed },
    { ours: 'final_norm.weight', theirs: 'norm.weight' },
    { ours: 'output.weight', theirs: 'output.weight', as: transposed },
  ],
  ignored: ['rope.freqs'],
});

export const llamaMeta: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches: ({ model_type, n_layers, norm_eps }) =>
    model_type === undefined && n_layers !== undefined && norm_eps !== undefined,
  read(config, reader) {
    // How much low frequencies are divided differs from model to model, and the files do not say it.
    refuse(NAME, config, { use_scaled_rope: [false], moe: [], vision_chunk_size: [-1], quantization_args: [] });
    const { dim, n_layers: layers, n_heads: heads, ...options } = parseOptions(NAME, schema, config);
    const kvHeads = options.n_kv_heads ?? heads;
    return {
      ...PLAIN,
      vocab: shapeOf(reader, TOKENS)[0]!,
      layers,
      dim,
      heads,
      ...(kvHeads !== heads && { kvHeads }),
      ffn: shapeOf(reader, UP)[0]!,
      gated: true,
      activation: 'silu',
      normKind: 'rms',
      normEpsilon: options.norm_eps,
      positions: 'rotary',
      maxPositions: options.max_seq_len,
      rotary: { base: options.rope_theta },
      biases: { qkv: false, out: false, ffn: false },
      tieOutput: false,
      dropout: 0,
      initStd: 0.02,
      attention: softmaxLayers(layers),
    };
  },
  names: ({ heads, kvHeads = heads }) => names(heads, kvHeads),
};
