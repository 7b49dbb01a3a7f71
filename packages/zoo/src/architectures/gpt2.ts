/**
 * GPT-2 (Radford et al. 2019) as transformers stores it: learned positions, pre-norm, GELU by tanh, tied output. Linear
 * layers are Conv1D, stored [in, out]; queries, keys and values are one.
 */
import { z } from 'zod';
import { linearRules, type NameMap, normRules } from './names.js';
import { activationName, activationOf, PLAIN, parseOptions, refuse, softmaxLayers } from './options.js';
import { columns, same, transposed } from './transforms.js';
import type { Architecture } from './types.js';

const NAME = 'gpt2';
const size = z.int().positive();
const rate = z.number().min(0).lt(1);

const schema = z.object({
  vocab_size: size.default(50_257),
  n_positions: size.default(1024),
  n_embd: size.default(768),
  n_layer: size.default(12),
  n_head: size.default(12),
  n_inner: size.nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  resid_pdrop: rate.default(0.1),
  attn_pdrop: rate.default(0.1),
  initializer_range: z.number().positive().default(0.02),
  tie_word_embeddings: z.boolean().default(true),
});

const NAMES: NameMap = {
  optionalPrefix: 'transformer.',
  rules: [
    { ours: 'embed.weight', theirs: 'transformer.wte.weight' },
    { ours: 'positions.weight', theirs: 'transformer.wpe.weight' },
    ...normRules('layers.{n}.norm1', 'transformer.h.{n}.ln_1.'),
    ...linearRules(
      ['q', 'k', 'v'].map((name) => `layers.{n}.attention.${name}`),
      'transformer.h.{n}.attn.c_attn',
      columns,
    ),
    ...linearRules('layers.{n}.attention.out', 'transformer.h.{n}.attn.c_proj', same),
    ...normRules('layers.{n}.norm2', 'transformer.h.{n}.ln_2.'),
    ...linearRules('layers.{n}.fc1', 'transformer.h.{n}.mlp.c_fc', same),
    ...linearRules('layers.{n}.fc2', 'transformer.h.{n}.mlp.c_proj', same),
    ...normRules('final_norm', 'transformer.ln_f.'),
    { ours: 'output.weight', theirs: 'lm_head.weight', as: transposed },
  ],
  ignored: ['transformer.h.{n}.attn.bias', 'transformer.h.{n}.attn.masked_bias'],
};

export const gpt2: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches: ({ model_type }) => model_type === NAME,
  read(config) {
    refuse(NAME, config, {
      add_cross_attention: [false],
      scale_attn_weights: [true],
      scale_attn_by_inverse_layer_idx: [false],
      quantization_config: [],
    });
    const options = parseOptions(NAME, schema, config);
    const { n_embd: dim, n_layer: layers } = options;
    return {
      ...PLAIN,
      vocab: options.vocab_size,
      layers,
      dim,
      heads: options.n_head,
      ffn: options.n_inner ?? 4 * dim,
      activation: activationOf(NAME, 'activation_function', options.activation_function),
      positions: 'learned',
      maxPositions: options.n_positions,
      tieOutput: options.tie_word_embeddings,
      dropout: options.resid_pdrop,
      attentionDropout: options.attn_pdrop,
      initStd: options.initializer_range,
      normEpsilon: options.layer_norm_epsilon,
      attention: softmaxLayers(layers),
    };
  },
  write: (config) => ({
    model_type: NAME,
    architectures: ['GPT2LMHeadModel'],
    vocab_size: config.vocab,
    n_positions: config.maxPositions,
    n_embd: config.dim,
    n_layer: config.layers,
    n_head: config.heads,
    n_inner: config.ffn === 4 * config.dim ? null : config.ffn,
    activation_function: activationName(config.activation),
    layer_norm_epsilon: config.normEpsilon ?? 1e-5,
    resid_pdrop: config.dropout,
    embd_pdrop: config.dropout,
    attn_pdrop: config.attentionDropout,
    initializer_range: config.initStd,
    tie_word_embeddings: config.tieOutput,
  }),
  names: ({ tieOutput }) => ({
    ...NAMES,
    ...(tieOutput && { tied: [{ name: 'lm_head.weight', of: 'transformer.wte.weight' }] }),
  }),
};
