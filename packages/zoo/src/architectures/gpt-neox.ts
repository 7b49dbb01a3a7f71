/**
 * GPT-NeoX (Black et al. 2022, arXiv 2204.06745) and Pythia as transformers stores them: rotary positions on a part of every
 * head, attention and feed-forward block side by side. Queries, keys and values of a head follow each other in one matrix.
 */
import { z } from 'zod';
import { linearRules, type NameMap, normRules } from './names.js';
import { activationName, activationOf, PLAIN, parseOptions, refuse, softmaxLayers } from './options.js';
import { readRope, writeRope } from './rope.js';
import { headByHead, transposed } from './transforms.js';
import type { Architecture } from './types.js';

const NAME = 'gpt_neox';
const size = z.int().positive();
const rate = z.number().min(0).lt(1);
/** Part of a head that is turned where a configuration does not say. */
const PART = 0.25;

const schema = z.object({
  vocab_size: size.default(50_432),
  hidden_size: size.default(6144),
  num_hidden_layers: size.default(44),
  num_attention_heads: size.default(64),
  intermediate_size: size.default(24_576),
  hidden_act: z.string().default('gelu'),
  rotary_pct: z.number().gt(0).max(1).default(PART),
  rotary_emb_base: z.number().positive().default(10_000),
  max_position_embeddings: size.default(2048),
  layer_norm_eps: z.number().positive().default(1e-5),
  hidden_dropout: rate.default(0),
  attention_dropout: rate.default(0),
  initializer_range: z.number().positive().default(0.02),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(false),
});

const names = (heads: number): NameMap => ({
  optionalPrefix: 'gpt_neox.',
  rules: [
    { ours: 'embed.weight', theirs: 'gpt_neox.embed_in.weight' },
    ...normRules('layers.{n}.norm1', 'gpt_neox.layers.{n}.input_layernorm.'),
    ...linearRules(
      ['q', 'k', 'v'].map((name) => `layers.{n}.attention.${name}`),
      'gpt_neox.layers.{n}.attention.query_key_value',
      headByHead(heads),
    ),
    ...linearRules('layers.{n}.attention.out', 'gpt_neox.layers.{n}.attention.dense', transposed),
    ...normRules('layers.{n}.norm2', 'gpt_neox.layers.{n}.post_attention_layernorm.'),
    ...linearRules('layers.{n}.fc1', 'gpt_neox.layers.{n}.mlp.dense_h_to_4h', transposed),
    ...linearRules('layers.{n}.fc2', 'gpt_neox.layers.{n}.mlp.dense_4h_to_h', transposed),
    ...normRules('final_norm', 'gpt_neox.final_layer_norm.'),
    { ours: 'output.weight', theirs: 'embed_out.weight', as: transposed },
  ],
  ignored: [
    'gpt_neox.layers.{n}.attention.bias',
    'gpt_neox.layers.{n}.attention.masked_bias',
    'gpt_neox.layers.{n}.attention.rotary_emb.inv_freq',
    'gpt_neox.rotary_emb.inv_freq',
  ],
});

export const gptNeoX: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches: ({ model_type }) => model_type === NAME,
  read(config) {
    refuse(NAME, config, { quantization_config: [] });
    const options = parseOptions(NAME, schema, config);
    const { num_hidden_layers: layers, max_position_embeddings: maxPositions } = options;
    return {
      ...PLAIN,
      vocab: options.vocab_size,
      layers,
      dim: options.hidden_size,
      heads: options.num_attention_heads,
      ffn: options.intermediate_size,
      activation: activationOf(NAME, 'hidden_act', options.hidden_act),
      positions: 'rotary',
      maxPositions,
      rotary: readRope(NAME, config, { base: options.rotary_emb_base, fraction: options.rotary_pct, maxPositions }),
      tieOutput: options.tie_word_embeddings,
      dropout: options.hidden_dropout,
      attentionDropout: options.attention_dropout,
      initStd: options.initializer_range,
      normEpsilon: options.layer_norm_eps,
      parallelResidual: options.use_parallel_residual,
      ...(options.attention_bias ? {} : { biases: { qkv: false, out: false } }),
      attention: softmaxLayers(layers),
    };
  },
  write: (config) => ({
    model_type: NAME,
    architectures: ['GPTNeoXForCausalLM'],
    vocab_size: config.vocab,
    hidden_size: config.dim,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.ffn,
    hidden_act: activationName(config.activation),
    ...writeRope(config, PART),
    rotary_pct: config.rotary?.fraction ?? 1,
    rotary_emb_base: config.rotary?.base ?? 10_000,
    max_position_embeddings: config.maxPositions,
    layer_norm_eps: config.normEpsilon ?? 1e-5,
    hidden_dropout: config.dropout,
    attention_dropout: config.attentionDropout,
    initializer_range: config.initStd,
    use_parallel_residual: config.parallelResidual ?? false,
    attention_bias: config.biases?.qkv ?? true,
    tie_word_embeddings: config.tieOutput,
  }),
  names: ({ heads, tieOutput }) => ({
    ...names(heads),
    ...(tieOutput && { tied: [{ name: 'embed_out.weight', of: 'gpt_neox.embed_in.weight' }] }),
  }),
};
