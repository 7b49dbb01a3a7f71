/** The model components. */
import { type ComponentSpec, defineComponent, definePlugin } from '@t2r/core';
import { buildLanguageModel } from './decoder-lm.js';
import { buildTranslationModel } from './encoder-decoder.js';
import type {} from './model-kinds.js';
import { decoderLmSchema } from './schema.js';
import { encoderDecoderSchema } from './translation-schema.js';

/** One attention for each layer. */
const perLayer = (given: ComponentSpec | ComponentSpec[], layers: number): ComponentSpec[] =>
  Array.isArray(given) ? given : new Array(layers).fill(given);

const decoderLm = defineComponent({
  kind: 'model',
  name: 'decoder-lm',
  description: 'Decoder-only transformer language model with an attention variant per layer.',
  schema: decoderLmSchema,
  create: ({ attention, ...options }, context) => {
    const config = { use: 'decoder-lm' as const, ...options, attention: perLayer(attention, options.layers) };
    return { config, build: (vocab) => buildLanguageModel({ ...config, vocab }, context) };
  },
});

const encoderDecoder = defineComponent({
  kind: 'model',
  name: 'encoder-decoder',
  description:
    'Encoder-decoder transformer for translation, with variants of self- and cross-attention per decoder layer.',
  schema: encoderDecoderSchema,
  create: ({ attention, cross, ...options }, context) => {
    const { layers } = options.decoder;
    const specs = { attention: perLayer(attention, layers), cross: perLayer(cross, layers) };
    const config = { use: 'encoder-decoder' as const, ...options, ...specs };
    return {
      config,
      build: (vocab, sourceVocab = vocab) =>
        buildTranslationModel({ ...config, vocab, ...(sourceVocab !== vocab && { sourceVocab }) }, context),
    };
  },
});

export const plugin = definePlugin({ name: '@t2r/models', components: [decoderLm, encoderDecoder] });
