/** The attention components; a new variant is one file and one entry here. */
import { definePlugin } from '@t2r/core';
import { elu } from './elu.js';
import { favor } from './favor.js';
import { hedgehog } from './hedgehog.js';
import { randomFeature } from './random-feature.js';
import { softmax } from './softmax.js';
import { softmaxWindow } from './softmax-window.js';
import { t2rMlp } from './t2r-mlp.js';
import { t2rNorm } from './t2r-norm.js';
import { windowLinear } from './window-linear.js';

export const plugin = definePlugin({
  name: '@t2r/attention',
  components: [softmax, t2rMlp, elu, randomFeature, favor, hedgehog, softmaxWindow, windowLinear, t2rNorm],
});
