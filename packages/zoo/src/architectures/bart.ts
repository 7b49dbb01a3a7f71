/**
 * BART (Lewis et al. 2020, arXiv 1910.13461) as transformers stores it: post-norm, learned positions that start at 2, norms
 * on embeddings, one table of tokens for source, target and output.
 */
import type { TranslationConfig } from '@t2r/models';
import { z } from 'zod';
import { parseOptions, refuse } from './options.js';
import { readSeq2seq, seq2seqNames, seq2seqSchema, writeSeq2seq } from './seq2seq.js';
import type { Architecture } from './types.js';

const NAME = 'bart';
/** Rows of the position tables before that of the first token. */
const OFFSET = 2;

const schema = seq2seqSchema.extend({ vocab_size: z.int().positive().default(50_265) });

export const bart: Architecture<TranslationConfig> = {
  name: NAME,
  use: 'encoder-decoder',
  matches: ({ model_type }) => model_type === NAME,
  read(config) {
    refuse(NAME, config, {
      normalize_before: [false],
      normalize_embedding: [true],
      add_final_layer_norm: [false],
      static_position_embeddings: [false],
    });
    const options = parseOptions(NAME, schema, config);
    return {
      ...readSeq2seq(NAME, options),
      vocab: options.vocab_size,
      shareEmbeddings: true,
      positions: 'learned',
      positionOffset: OFFSET,
      embeddingNorm: true,
    };
  },
  write: (config) => ({
    model_type: NAME,
    architectures: ['BartForConditionalGeneration'],
    vocab_size: config.vocab,
    ...writeSeq2seq(config),
  }),
  names: seq2seqNames,
};
