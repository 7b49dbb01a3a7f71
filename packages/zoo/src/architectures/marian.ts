/**
 * Marian's translation models as transformers stores them (Helsinki-NLP's opus-mt and others): post-norm, sinusoids of Marian,
 * one table of tokens for source, target and output, or one each for source and target.
 */

import type { TranslationConfig } from '@t2r/models';
import { z } from 'zod';
import { parseOptions, refuse } from './options.js';
import { readSeq2seq, seq2seqNames, seq2seqSchema, writeSeq2seq } from './seq2seq.js';
import type { Architecture } from './types.js';

const NAME = 'marian';
const size = z.int().positive();

const schema = seq2seqSchema.extend({
  vocab_size: size.default(58_101),
  decoder_vocab_size: size.nullish(),
  share_encoder_decoder_embeddings: z.boolean().default(true),
});

export const marian: Architecture<TranslationConfig> = {
  name: NAME,
  use: 'encoder-decoder',
  matches: ({ model_type }) => model_type === NAME,
  read(config) {
    // What older files tell of the model that was converted; transformers computes it in one way alone.
    refuse(NAME, config, {
      normalize_before: [false],
      normalize_embedding: [false],
      add_final_layer_norm: [false],
      static_position_embeddings: [true],
    });
    const options = parseOptions(NAME, schema, config);
    const { vocab_size: source, decoder_vocab_size, share_encoder_decoder_embeddings: share } = options;
    const vocab = share ? source : (decoder_vocab_size ?? source);
    return {
      ...readSeq2seq(NAME, options),
      vocab,
      ...(source !== vocab && { sourceVocab: source }),
      shareEmbeddings: share,
      positions: 'sinusoidal',
      sinusoids: 'marian',
    };
  },
  write: (config) => ({
    model_type: NAME,
    architectures: ['MarianMTModel'],
    vocab_size: config.sourceVocab ?? config.vocab,
    decoder_vocab_size: config.vocab,
    share_encoder_decoder_embeddings: config.shareEmbeddings,
    ...writeSeq2seq(config),
    // The name that Marian's own files and transformers' of them have.
    ...(config.activation === 'silu' && { activation_function: 'swish' }),
  }),
  names: seq2seqNames,
};
