/** The attention components; a new variant is one file and one entry here. */
import { defineComponent, definePlugin } from '@t2r/core';
import { softmaxSchema, t2rMlpSchema } from './schema.js';
import { softmaxAttention } from './softmax.js';
import { t2rMlpAttention } from './t2r-mlp.js';

const softmax = defineComponent({
  kind: 'attention',
  name: 'softmax',
  description: 'Softmax attention with a key/value cache that grows with the text.',
  schema: softmaxSchema,
  create: softmaxAttention,
});

const t2rMlp = defineComponent({
  kind: 'attention',
  name: 't2r-mlp',
  description: 'Linear attention with the learned feature map relu(W x + b) of T2R; a state of fixed size.',
  schema: t2rMlpSchema,
  create: t2rMlpAttention,
});

export const plugin = definePlugin({ name: '@t2r/attention', components: [softmax, t2rMlp] });
