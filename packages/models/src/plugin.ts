/** The model components. */
import { defineComponent, definePlugin } from '@t2r/core';
import { buildLanguageModel } from './decoder-lm.js';
import { decoderLmSchema } from './schema.js';

const decoderLm = defineComponent({
  kind: 'model',
  name: 'decoder-lm',
  description: 'Decoder-only transformer language model with an attention variant per layer.',
  schema: decoderLmSchema,
  create: ({ attention, ...options }, context) => {
    const specs = Array.isArray(attention) ? attention : new Array(options.layers).fill(attention);
    const config = { use: 'decoder-lm' as const, ...options, attention: specs };
    return { config, build: (vocab) => buildLanguageModel({ ...config, vocab }, context) };
  },
});

export const plugin = definePlugin({ name: '@t2r/models', components: [decoderLm] });
