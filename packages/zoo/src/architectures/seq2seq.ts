/** What Marian and BART have in common in transformers: post-norm stacks, one configuration of sizes, a bias on the output. */
import type { TranslationConfig } from '@t2r/models';
import { z } from 'zod';
import type { NameMap } from './names.js';
import { activationName, activationOf, softmaxLayers } from './options.js';
import { oneRow, transposed } from './transforms.js';
import { stackRules } from './translation-names.js';
import type { JsonObject } from './types.js';

const size = z.int().positive();
const rate = z.number().min(0).lt(1);
const id = z.int().min(0).nullish();

export const seq2seqSchema = z.object({
  d_model: size.default(1024),
  encoder_layers: size.default(12),
  encoder_ffn_dim: size.default(4096),
  encoder_attention_heads: size.default(16),
  encoder_layerdrop: rate.default(0),
  decoder_layers: size.default(12),
  decoder_ffn_dim: size.default(4096),
  decoder_attention_heads: size.default(16),
  decoder_layerdrop: rate.default(0),
  max_position_embeddings: size.default(1024),
  activation_function: z.string().default('gelu'),
  scale_embedding: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  dropout: rate.default(0.1),
  attention_dropout: rate.default(0),
  activation_dropout: rate.default(0),
  init_std: z.number().positive().default(0.02),
  decoder_start_token_id: id,
  eos_token_id: z.union([id, z.array(z.int())]).nullish(),
  pad_token_id: id,
});

export type Seq2seqOptions = z.output<typeof seq2seqSchema>;

/** Special tokens, where all three are given. */
function tokensOf({ decoder_start_token_id, eos_token_id, pad_token_id }: Seq2seqOptions): TranslationConfig['tokens'] {
  const end = Array.isArray(eos_token_id) ? eos_token_id[0] : eos_token_id;
  const [start, padding] = [decoder_start_token_id, pad_token_id];
  if (typeof start !== 'number' || typeof end !== 'number' || typeof padding !== 'number') return undefined;
  return { start, end, padding };
}

/** The configuration but for vocabularies and positions. */
export function readSeq2seq(
  family: string,
  options: Seq2seqOptions,
): Omit<TranslationConfig, 'vocab' | 'positions' | 'shareEmbeddings'> {
  const tokens = tokensOf(options);
  const stack = (side: 'encoder' | 'decoder') => {
    const layerDrop = options[`${side}_layerdrop`];
    return {
      layers: options[`${side}_layers`],
      heads: options[`${side}_attention_heads`],
      ffn: options[`${side}_ffn_dim`],
      ...(layerDrop > 0 && { layerDrop }),
    };
  };
  return {
    use: 'encoder-decoder',
    dim: options.d_model,
    encoder: stack('encoder'),
    decoder: stack('decoder'),
    activation: activationOf(family, 'activation_function', options.activation_function),
    norm: 'post',
    maxPositions: options.max_position_embeddings,
    tieOutput: options.tie_word_embeddings,
    outputBias: true,
    scaleEmbedding: options.scale_embedding,
    dropout: options.dropout,
    attentionDropout: options.attention_dropout,
    activationDropout: options.activation_dropout,
    initStd: options.init_std,
    attention: softmaxLayers(options.decoder_layers),
    cross: softmaxLayers(options.decoder_layers),
    ...(tokens && { tokens }),
  };
}

/** The other way round; special tokens where the model knows them. */
export function writeSeq2seq(config: TranslationConfig): JsonObject {
  const { encoder, decoder, activation, tokens } = config;
  return {
    is_encoder_decoder: true,
    d_model: config.dim,
    encoder_layers: encoder.layers,
    encoder_ffn_dim: encoder.ffn,
    encoder_attention_heads: encoder.heads,
    encoder_layerdrop: encoder.layerDrop ?? 0,
    decoder_layers: decoder.layers,
    decoder_ffn_dim: decoder.ffn,
    decoder_attention_heads: decoder.heads,
    decoder_layerdrop: decoder.layerDrop ?? 0,
    max_position_embeddings: config.maxPositions,
    activation_function: activationName(activation),
    scale_embedding: config.scaleEmbedding,
    tie_word_embeddings: config.tieOutput,
    dropout: config.dropout,
    attention_dropout: config.attentionDropout,
    activation_dropout: config.activationDropout,
    init_std: config.initStd,
    ...(tokens && {
      decoder_start_token_id: tokens.start,
      eos_token_id: tokens.end,
      forced_eos_token_id: tokens.end,
      pad_token_id: tokens.padding,
    }),
  };
}

const [ENCODER, DECODER, OUTPUT] = [
  'model.encoder.embed_tokens.weight',
  'model.decoder.embed_tokens.weight',
  'lm_head.weight',
];

/** Names of the tensors; positions that are computed are in older files. */
export function seq2seqNames({ shareEmbeddings, positions, tieOutput }: TranslationConfig): NameMap {
  const shared = 'model.shared.weight';
  const learned = positions === 'learned';
  return {
    optionalPrefix: 'model.',
    rules: [
      ...(shareEmbeddings
        ? [{ ours: 'embed.weight', theirs: shared }]
        : [
            { ours: 'encoder.embed.weight', theirs: ENCODER },
            { ours: 'decoder.embed.weight', theirs: DECODER },
          ]),
      ...stackRules({ prefix: 'model.' }),
      { ours: 'decoder.output.weight', theirs: OUTPUT, as: transposed },
      { ours: 'decoder.output.bias', theirs: 'final_logits_bias', as: oneRow },
    ],
    tied: [
      ...(shareEmbeddings ? [ENCODER, DECODER].map((name) => ({ name, of: shared })) : []),
      ...(tieOutput ? [{ name: OUTPUT, of: shareEmbeddings ? shared : DECODER }] : []),
    ],
    ignored: [
      'model.encoder.version',
      'model.decoder.version',
      ...(learned ? [] : ['encoder', 'decoder'].map((side) => `model.${side}.embed_positions.weight`)),
    ],
  };
}
