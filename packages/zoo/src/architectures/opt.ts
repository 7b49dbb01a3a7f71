/**
 * OPT (Zhang et al. 2022, arXiv 2205.01068) as transformers stores it: learned positions that start at 2, ReLU, tied output.
 * The model of 350 million parameters has norms after the residual sums and a token table narrower than the model.
 */
import { z } from 'zod';
import { linearRules, type NameMap, normRules } from './names.js';
import { activationName, activationOf, PLAIN, parseOptions, refuse, softmaxLayers } from './options.js';
import { transposed } from './transforms.js';
import type { Architecture } from './types.js';

const NAME = 'opt';
const size = z.int().positive();
const rate = z.number().min(0).lt(1);
/** Rows of the position table before that of the first token. */
const OFFSET = 2;

const schema = z.object({
  vocab_size: size.default(50_272),
  hidden_size: size.default(768),
  num_hidden_layers: size.default(12),
  ffn_dim: size.default(3072),
  max_position_embeddings: size.default(2048),
  do_layer_norm_before: z.boolean().default(true),
  _remove_final_layer_norm: z.boolean().default(false),
  word_embed_proj_dim: size.nullish(),
  num_attention_heads: size.default(12),
  activation_function: z.string().default('relu'),
  enable_bias: z.boolean().default(true),
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0),
  layerdrop: rate.default(0),
  init_std: z.number().positive().default(0.02),
  tie_word_embeddings: z.boolean().default(true),
});

const NAMES: NameMap = {
  optionalPrefix: 'model.',
  rules: [
    { ours: 'embed.weight', theirs: 'model.decoder.embed_tokens.weight' },
    { ours: 'embed.projection.weight', theirs: 'model.decoder.project_in.weight', as: transposed },
    { ours: 'positions.weight', theirs: 'model.decoder.embed_positions.weight' },
    ...['q', 'k', 'v', 'out'].flatMap((name) =>
      linearRules(`layers.{n}.attention.${name}`, `model.decoder.layers.{n}.self_attn.${name}_proj`, transposed),
    ),
    ...normRules('layers.{n}.norm1', 'model.decoder.layers.{n}.self_attn_layer_norm.'),
    ...['fc1', 'fc2'].flatMap((name) =>
      linearRules(`layers.{n}.${name}`, `model.decoder.layers.{n}.${name}`, transposed),
    ),
    ...normRules('layers.{n}.norm2', 'model.decoder.layers.{n}.final_layer_norm.'),
    ...normRules('final_norm', 'model.decoder.final_layer_norm.'),
    { ours: 'output.projection.weight', theirs: 'model.decoder.project_out.weight', as: transposed },
    { ours: 'output.weight', theirs: 'lm_head.weight', as: transposed },
  ],
};

export const opt: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches: ({ model_type }) => model_type === NAME,
  read(config) {
    refuse(NAME, config, { layer_norm_elementwise_affine: [true], quantization_config: [] });
    const options = parseOptions(NAME, schema, config);
    const { hidden_size: dim, num_hidden_layers: layers, word_embed_proj_dim: embedDim, enable_bias: bias } = options;
    return {
      ...PLAIN,
      vocab: options.vocab_size,
      layers,
      dim,
      heads: options.num_attention_heads,
      ffn: options.ffn_dim,
      activation: activationOf(NAME, 'activation_function', options.activation_function),
      norm: options.do_layer_norm_before ? 'pre' : 'post',
      ...(options._remove_final_layer_norm && { finalNorm: false }),
      positions: 'learned',
      maxPositions: options.max_position_embeddings,
      positionOffset: OFFSET,
      tieOutput: options.tie_word_embeddings,
      ...(embedDim && embedDim !== dim && { embedDim }),
      ...(!bias && { biases: { qkv: false, out: false, ffn: false } }),
      dropout: options.dropout,
      attentionDropout: options.attention_dropout,
      ...(options.layerdrop > 0 && { layerDrop: options.layerdrop }),
      initStd: options.init_std,
      attention: softmaxLayers(layers),
    };
  },
  write: (config) => ({
    model_type: NAME,
    architectures: ['OPTForCausalLM'],
    vocab_size: config.vocab,
    hidden_size: config.dim,
    num_hidden_layers: config.layers,
    ffn_dim: config.ffn,
    max_position_embeddings: config.maxPositions,
    do_layer_norm_before: config.norm === 'pre',
    _remove_final_layer_norm: config.finalNorm === false,
    word_embed_proj_dim: config.embedDim ?? config.dim,
    num_attention_heads: config.heads,
    activation_function: activationName(config.activation),
    enable_bias: config.biases?.qkv ?? true,
    layer_norm_elementwise_affine: true,
    dropout: config.dropout,
    attention_dropout: config.attentionDropout,
    layerdrop: config.layerDrop ?? 0,
    init_std: config.initStd,
    tie_word_embeddings: config.tieOutput,
  }),
  names: ({ tieOutput }) => ({
    ...NAMES,
    ...(tieOutput && { tied: [{ name: 'lm_head.weight', of: 'model.decoder.embed_tokens.weight' }] }),
  }),
};
