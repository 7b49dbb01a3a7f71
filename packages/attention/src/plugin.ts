/** The attention components; a new variant is one file and one entry here. */
import { definePlugin } from '@t2r/core';
import { elu } from './elu.js';
import { favor } from './favor.js';
import { hedgehog } from './hedgehog.js';
import { randomFeature } from './random-feature.js';
import { softmax } from './softmax.js';
import { t2rMlp } from './t2r-mlp.js';

export const plugin = definePlugin({
  name: '@t2r/attention',
  components: [softmax, t2rMlp, elu, randomFeature, favor, hedgehog],
});
