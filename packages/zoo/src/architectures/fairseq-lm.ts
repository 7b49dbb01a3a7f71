/**
 * fairseq's transformer_lm (Baevski & Auli 2019, arXiv 1809.10853, and others): pre-norm, sinusoidal positions from 2 on or
 * learned ones, adaptive inputs and softmax or one table. The configuration is the `args` (or `cfg`) of a checkpoint.
 * Source: fairseq/models/transformer_lm.py, fairseq/modules/adaptive_input.py and adaptive_softmax.py.
 */
import { UserError } from '@t2r/core';
import type { AdaptiveConfig, LmConfig } from '@t2r/models';
import { z } from 'zod';
import { LAYER_NORM_EPSILON, OFFSET, optionsOf } from './fairseq-options.js';
import { linearRules, type NameMap, type NameRule, normRules } from './names.js';
import { activationOf, PLAIN, parseOptions, refuse, softmaxLayers, unsupported } from './options.js';
import { rows, same, transposed } from './transforms.js';
import type { Architecture, TensorReader } from './types.js';

const NAME = 'transformer_lm';
const size = z.int().positive();
const rate = z.number().min(0).lt(1);

/** `20000,60000` */
const cutoffs = z
  .string()
  .regex(/^\d+(,\d+)*$/)
  .transform((text) => text.split(',').map(Number));

const schema = z.object({
  decoder_layers: size.default(6),
  decoder_embed_dim: size.default(512),
  decoder_input_dim: size.optional(),
  decoder_output_dim: size.optional(),
  decoder_ffn_embed_dim: size.default(2048),
  decoder_attention_heads: size.default(8),
  activation_fn: z.string().default('relu'),
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0),
  activation_dropout: rate.default(0),
  relu_dropout: rate.default(0),
  decoder_layerdrop: rate.default(0),
  no_decoder_final_norm: z.boolean().default(false),
  decoder_final_norm: z.boolean().optional(),
  no_tie_adaptive_proj: z.boolean().optional(),
  no_token_positional_embeddings: z.boolean().default(false),
  decoder_learned_pos: z.boolean().default(false),
  no_scale_embedding: z.boolean().default(false),
  share_decoder_input_output_embed: z.boolean().default(false),
  adaptive_input: z.boolean().default(false),
  adaptive_input_cutoff: cutoffs.nullish(),
  adaptive_input_factor: z.number().default(4),
  adaptive_softmax_cutoff: cutoffs.nullish(),
  adaptive_softmax_factor: z.number().default(4),
  adaptive_softmax_dropout: rate.default(0),
  tie_adaptive_weights: z.boolean().default(false),
  tie_adaptive_proj: z.boolean().default(false),
  max_target_positions: size.nullish(),
  tokens_per_sample: size.nullish(),
});

type Options = z.output<typeof schema>;

/** Older checkpoints have two options for two things, as transformer_lm.py reads them. */
function finalNormOf({ no_tie_adaptive_proj, decoder_final_norm, no_decoder_final_norm }: Options): boolean {
  if (decoder_final_norm !== undefined) return decoder_final_norm;
  return no_tie_adaptive_proj === undefined && !no_decoder_final_norm;
}

function adaptiveOf(options: Options): AdaptiveConfig | undefined {
  const { adaptive_input_cutoff: input, adaptive_softmax_cutoff: softmax, tie_adaptive_weights: tied } = options;
  const factor = options.adaptive_softmax_factor;
  if (!options.adaptive_input && !softmax) return undefined;
  const alike = options.adaptive_input && input?.join() === softmax?.join() && options.adaptive_input_factor === factor;
  if (!alike || !softmax)
    unsupported(NAME, 'adaptive_softmax_cutoff', softmax ?? null, 'Bands of input and output must be the same.');
  const projections = options.tie_adaptive_proj || options.no_tie_adaptive_proj === false;
  return { cutoffs: softmax!, factor, tieProjections: tied && projections, dropout: options.adaptive_softmax_dropout };
}

const TOKENS = 'decoder.embed_tokens';
const SOFTMAX = 'decoder.adaptive_softmax';
const INPUT_PROJECTION = 'decoder.project_in_dim.weight';

/** Rows of the table of tokens, or of all bands together. */
function vocabularyOf(reader: TensorReader | undefined, adaptive: AdaptiveConfig | undefined): number {
  const rowsOf = (name: string) => {
    const rows = reader?.entries.get(name)?.shape[0];
    if (rows === undefined) throw new UserError(`${reader?.path ?? NAME}: the tensor ${name} is missing`);
    return rows;
  };
  if (!adaptive) return rowsOf(`${TOKENS}.weight`);
  const last = adaptive.cutoffs.length;
  return adaptive.cutoffs.at(-1)! + rowsOf(`${TOKENS}.embeddings.${last}.0.weight`);
}

/** The last band ends where the vocabulary does: fairseq takes a last cutoff of the vocabulary's size too. */
function withoutLast(adaptive: AdaptiveConfig | undefined, reader?: TensorReader): AdaptiveConfig | undefined {
  const { cutoffs = [] } = adaptive ?? {};
  const has = reader?.entries.has(`${TOKENS}.embeddings.${cutoffs.length}.0.weight`);
  return adaptive && has === false ? { ...adaptive, cutoffs: cutoffs.slice(0, -1) } : adaptive;
}

/** Rules of adaptive inputs and outputs; what the output shares with the input is stored twice. */
function adaptiveRules({ cutoffs, tieProjections }: AdaptiveConfig, tied: boolean): NameMap {
  const bands = [...cutoffs.keys(), cutoffs.length];
  const tails = bands.slice(1);
  const tail = (band: number, part: number) => `${SOFTMAX}.tail.${band - 1}.${part}.weight`;
  const rules = bands.flatMap((band): NameRule[] => [
    { ours: `embed.bands.${band}.weight`, theirs: `${TOKENS}.embeddings.${band}.0.weight` },
    { ours: `embed.bands.${band}.projection`, theirs: `${TOKENS}.embeddings.${band}.1.weight`, as: transposed },
  ]);
  const projections = tieProjections
    ? []
    : tails.map((band) => ({ ours: `output.bands.${band}.projection`, theirs: tail(band, 0), as: transposed }));
  if (tied) {
    return {
      rules: [
        ...rules,
        { ours: 'output.clusters.weight', theirs: `${SOFTMAX}.head.class_proj.weight`, as: transposed },
        ...projections,
      ],
      tied: [
        { name: `${SOFTMAX}.head.word_proj.weight`, of: `${TOKENS}.embeddings.0.0.weight`, written: true },
        ...tails.flatMap((band) => [
          ...(tieProjections
            ? [{ name: tail(band, 0), of: `${TOKENS}.embeddings.${band}.1.weight`, written: true }]
            : []),
          { name: tail(band, 2), of: `${TOKENS}.embeddings.${band}.0.weight`, written: true },
        ]),
      ],
    };
  }
  return {
    rules: [
      ...rules,
      {
        ours: ['output.bands.0.weight', 'output.clusters.weight'],
        theirs: `${SOFTMAX}.head.weight`,
        as: rows({ upright: [true, false] }),
      },
      ...projections,
      ...tails.map((band) => ({ ours: `output.bands.${band}.weight`, theirs: tail(band, 2) })),
    ],
  };
}

/** Rules of one table of tokens; older files call the output embed_out. */
function tableRules({ tieOutput }: LmConfig, reader?: TensorReader): NameMap {
  const old = reader?.entries.has('decoder.embed_out') === true;
  const tokens = `${TOKENS}.weight`;
  const output = old ? 'decoder.embed_out' : 'decoder.output_projection.weight';
  return {
    rules: [
      { ours: 'embed.weight', theirs: tokens },
      { ours: 'embed.projection.weight', theirs: INPUT_PROJECTION, as: transposed },
      { ours: 'output.projection.weight', theirs: 'decoder.project_out_dim.weight', as: transposed },
      { ours: 'output.weight', theirs: output, as: transposed },
    ],
    ...(tieOutput && { tied: [{ name: output, of: tokens, written: true }] }),
  };
}

const LAYERS: NameRule[] = [
  { ours: 'positions.weight', theirs: 'decoder.embed_positions.weight', as: same },
  ...['q', 'k', 'v', 'out'].flatMap((name) =>
    linearRules(`layers.{n}.attention.${name}`, `decoder.layers.{n}.self_attn.${name}_proj`, transposed),
  ),
  ...normRules('layers.{n}.norm1', 'decoder.layers.{n}.self_attn_layer_norm.'),
  ...['fc1', 'fc2'].flatMap((name) => linearRules(`layers.{n}.${name}`, `decoder.layers.{n}.${name}`, transposed)),
  ...normRules('layers.{n}.norm2', 'decoder.layers.{n}.final_layer_norm.'),
  ...normRules('final_norm', 'decoder.layer_norm.'),
];

/** Counters and places that hold no weights. */
const IGNORED = [
  'decoder.version',
  'decoder.embed_positions._float_tensor',
  `${TOKENS}._float_tensor`,
  `${SOFTMAX}.version`,
  `${SOFTMAX}.head._float_tensor`,
];

export const fairseqLm: Architecture = {
  name: NAME,
  use: 'decoder-lm',
  matches(config) {
    const { _name, arch } = optionsOf(config);
    return [_name, arch].some((name) => typeof name === 'string' && name.startsWith(NAME));
  },
  read(config, reader) {
    const given = optionsOf(config);
    refuse(NAME, given, {
      character_embeddings: [false],
      layernorm_embedding: [false],
      decoder_layers_to_keep: [],
      quant_noise_pq: [0],
      use_rfa: [false],
    });
    const options = parseOptions(NAME, schema, given);
    const { decoder_embed_dim: dim, decoder_layers: layers } = options;
    const { decoder_input_dim: embedDim = dim, decoder_output_dim: outputDim = dim } = options;
    const adaptive = withoutLast(adaptiveOf(options), reader);
    if (embedDim !== outputDim) unsupported(NAME, 'decoder_output_dim', outputDim, `Only ${embedDim} would fit.`);
    if (adaptive && embedDim !== dim) unsupported(NAME, 'decoder_input_dim', embedDim, `Only ${dim} would fit.`);
    if (adaptive && reader && !reader.entries.has(`${SOFTMAX}.version`))
      unsupported(
        NAME,
        `${SOFTMAX}.version`,
        null,
        'The first adaptive softmax of fairseq numbered clusters otherwise.',
      );
    const learned = options.decoder_learned_pos;
    const none = options.no_token_positional_embeddings;
    return {
      ...PLAIN,
      vocab: vocabularyOf(reader, adaptive),
      layers,
      dim,
      heads: options.decoder_attention_heads,
      ffn: options.decoder_ffn_embed_dim,
      activation: activationOf(NAME, 'activation_fn', options.activation_fn),
      ...(!finalNormOf(options) && { finalNorm: false }),
      positions: none ? 'none' : learned ? 'learned' : 'sinusoidal',
      ...(!none && { positionOffset: OFFSET }),
      maxPositions: options.max_target_positions ?? options.tokens_per_sample ?? 1024,
      scaleEmbedding: !options.no_scale_embedding,
      tieOutput: adaptive ? options.tie_adaptive_weights : options.share_decoder_input_output_embed,
      ...(adaptive ? { adaptive } : embedDim !== dim && { embedDim }),
      dropout: options.dropout,
      attentionDropout: options.attention_dropout,
      activationDropout: options.activation_dropout || options.relu_dropout,
      ...(options.decoder_layerdrop > 0 && { layerDrop: options.decoder_layerdrop }),
      initStd: 0.02,
      normEpsilon: LAYER_NORM_EPSILON,
      attention: softmaxLayers(layers),
    };
  },
  names(config, reader) {
    const { adaptive, tieOutput } = config;
    const tables = adaptive ? adaptiveRules(adaptive, tieOutput) : tableRules(config, reader);
    return { ...tables, rules: [...tables.rules, ...LAYERS], ignored: IGNORED };
  },
};
