/**
 * fairseq's transformer (Vaswani et al. 2017; Ott et al. 2018, arXiv 1806.00187), of which the models of WMT14, WMT16 and
 * WMT19 are: post- or pre-norm, sinusoidal positions from 2 on or learned ones, tables of tokens shared or not. The
 * configuration is the `args` (or `cfg`) of a checkpoint; the dictionaries are beside it.
 * Source: fairseq/models/transformer.py, fairseq/modules/transformer_layer.py and multihead_attention.py.
 */
import { UserError } from '@t2r/core';
import type { TranslationConfig } from '@t2r/models';
import { z } from 'zod';
import { LAYER_NORM_EPSILON, OFFSET, optionsOf } from './fairseq-options.js';
import type { NameMap } from './names.js';
import { activationOf, parseOptions, refuse, softmaxLayers, unsupported } from './options.js';
import { transposed } from './transforms.js';
import { stackRules } from './translation-names.js';
import type { Architecture, TensorReader } from './types.js';

const NAME = 'transformer';
/** Names that fairseq registers sizes of this model under. */
const ARCHITECTURE =
  /^transformer(_tiny|_iwslt_de_en|_wmt_en_de|_vaswani_wmt_en_(de|fr)_big|_wmt_en_de_big|_wmt_en_de_big_t2t)?$/;

const size = z.int().positive();
const rate = z.number().min(0).lt(1);
const flag = z.boolean().default(false);

const schema = z.object({
  encoder_embed_dim: size.default(512),
  encoder_ffn_embed_dim: size.default(2048),
  encoder_layers: size.default(6),
  encoder_attention_heads: size.default(8),
  encoder_normalize_before: flag,
  encoder_learned_pos: flag,
  encoder_layerdrop: rate.default(0),
  decoder_embed_dim: size.optional(),
  decoder_ffn_embed_dim: size.optional(),
  decoder_layers: size.default(6),
  decoder_attention_heads: size.default(8),
  decoder_normalize_before: flag,
  decoder_learned_pos: flag,
  decoder_layerdrop: rate.default(0),
  decoder_input_dim: size.optional(),
  decoder_output_dim: size.optional(),
  no_decoder_final_norm: flag,
  share_decoder_input_output_embed: flag,
  share_all_embeddings: flag,
  layernorm_embedding: flag,
  no_scale_embedding: flag,
  no_token_positional_embeddings: flag,
  activation_fn: z.string().default('relu'),
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0),
  activation_dropout: rate.default(0),
  relu_dropout: rate.default(0),
  max_source_positions: size.nullish(),
  max_target_positions: size.nullish(),
});

type Options = z.output<typeof schema>;

const ENCODER_TOKENS = 'encoder.embed_tokens.weight';
const DECODER_TOKENS = 'decoder.embed_tokens.weight';

/** fairseq lets the stacks differ in what this project's have in common. @throws UserError naming such an option */
function checkAlike(options: Options): void {
  const { encoder_embed_dim: dim } = options;
  const pairs: [string, unknown, unknown][] = [
    ['decoder_embed_dim', options.decoder_embed_dim ?? dim, dim],
    ['decoder_input_dim', options.decoder_input_dim ?? dim, dim],
    ['decoder_output_dim', options.decoder_output_dim ?? dim, dim],
    ['decoder_normalize_before', options.decoder_normalize_before, options.encoder_normalize_before],
    ['decoder_learned_pos', options.decoder_learned_pos, options.encoder_learned_pos],
  ];
  if (options.encoder_normalize_before) pairs.push(['no_decoder_final_norm', options.no_decoder_final_norm, false]);
  if (options.encoder_learned_pos)
    pairs.push(['max_target_positions', options.max_target_positions ?? 1024, options.max_source_positions ?? 1024]);
  for (const [option, given, wanted] of pairs)
    if (given !== wanted) unsupported(NAME, option, given, `Encoder and decoder must be alike: ${String(wanted)}.`);
}

function rowsOf(name: string, reader?: TensorReader): number {
  const rows = reader?.entries.get(name)?.shape[0];
  if (rows === undefined) throw new UserError(`${reader?.path ?? NAME}: the tensor ${name} is missing`);
  return rows;
}

/** Tables of tokens; older files call an output of its own embed_out. */
function tableRules({ shareEmbeddings, tieOutput }: TranslationConfig, reader?: TensorReader): NameMap {
  const old = reader?.entries.has('decoder.embed_out') === true;
  const output = old ? 'decoder.embed_out' : 'decoder.output_projection.weight';
  const tables = shareEmbeddings
    ? [{ ours: 'embed.weight', theirs: ENCODER_TOKENS }]
    : [
        { ours: 'encoder.embed.weight', theirs: ENCODER_TOKENS },
        { ours: 'decoder.embed.weight', theirs: DECODER_TOKENS },
      ];
  return {
    rules: [...tables, { ours: 'decoder.output.weight', theirs: output, as: transposed }],
    tied: [
      ...(shareEmbeddings ? [{ name: DECODER_TOKENS, of: ENCODER_TOKENS, written: true }] : []),
      ...(tieOutput ? [{ name: output, of: shareEmbeddings ? ENCODER_TOKENS : DECODER_TOKENS, written: true }] : []),
    ],
  };
}

/** Counters and places that hold no weights. */
const IGNORED = ['encoder', 'decoder'].flatMap((side) => [
  `${side}.version`,
  `${side}.embed_positions._float_tensor`,
  `${side}.embed_positions.weights`,
]);

export const fairseqTranslation: Architecture<TranslationConfig> = {
  name: NAME,
  use: 'encoder-decoder',
  matches(config) {
    const { _name, arch } = optionsOf(config);
    return [_name, arch].some((name) => typeof name === 'string' && ARCHITECTURE.test(name));
  },
  read(config, reader) {
    const given = optionsOf(config);
    refuse(NAME, given, {
      adaptive_input: [false],
      adaptive_softmax_cutoff: [],
      no_cross_attention: [false],
      cross_self_attention: [false],
      encoder_layers_to_keep: [],
      decoder_layers_to_keep: [],
      quant_noise_pq: [0],
      use_rfa: [false],
    });
    const options = parseOptions(NAME, schema, given);
    checkAlike(options);
    const stack = (side: 'encoder' | 'decoder') => {
      const layerDrop = options[`${side}_layerdrop`];
      return {
        layers: options[`${side}_layers`],
        heads: options[`${side}_attention_heads`],
        ffn: options[`${side}_ffn_embed_dim`] ?? options.encoder_ffn_embed_dim,
        ...(layerDrop > 0 && { layerDrop }),
      };
    };
    const shareEmbeddings = options.share_all_embeddings;
    const [source, vocab] = [rowsOf(ENCODER_TOKENS, reader), rowsOf(DECODER_TOKENS, reader)];
    const pre = options.encoder_normalize_before;
    const none = options.no_token_positional_embeddings;
    const layers = options.decoder_layers;
    return {
      use: 'encoder-decoder',
      vocab,
      ...(source !== vocab && { sourceVocab: source }),
      dim: options.encoder_embed_dim,
      encoder: stack('encoder'),
      decoder: stack('decoder'),
      activation: activationOf(NAME, 'activation_fn', options.activation_fn),
      norm: pre ? 'pre' : 'post',
      // The first versions had no norm after a pre-norm stack.
      ...(pre && reader?.entries.has('encoder.layer_norm.weight') === false && { finalNorm: false }),
      ...(options.layernorm_embedding && { embeddingNorm: true }),
      normEpsilon: LAYER_NORM_EPSILON,
      positions: none ? 'none' : options.encoder_learned_pos ? 'learned' : 'sinusoidal',
      ...(!none && { positionOffset: OFFSET }),
      maxPositions: options.max_target_positions ?? 1024,
      shareEmbeddings,
      tieOutput: shareEmbeddings || options.share_decoder_input_output_embed,
      scaleEmbedding: !options.no_scale_embedding,
      dropout: options.dropout,
      attentionDropout: options.attention_dropout,
      activationDropout: options.activation_dropout || options.relu_dropout,
      initStd: 0.02,
      attention: softmaxLayers(layers),
      cross: softmaxLayers(layers),
      // <s>, <pad>, </s> and <unk> are 0 to 3 in every dictionary, and decoders start from </s>.
      tokens: { start: 2, end: 2, padding: 1 },
    };
  },
  names(config, reader) {
    const has = (name: string) => reader?.entries.has(name) === true;
    const tables = tableRules(config, reader);
    const stacks = stackRules({
      prefix: '',
      packed: has('encoder.layers.0.self_attn.in_proj_weight'),
      numbered: has('encoder.layers.0.layer_norms.0.weight'),
    });
    return { ...tables, rules: [...tables.rules, ...stacks], ignored: IGNORED };
  },
};
