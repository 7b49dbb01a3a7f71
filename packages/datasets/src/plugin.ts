/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { archiveStep } from './archive-step.js';
import { bitextStep } from './bitext/bitext-step.js';
import { mirroredStep } from './mirrored-step.js';
import { pairsStep } from './pairs/pairs-step.js';
import { prepareStep } from './prepare/prepare-step.js';
import { syntheticStep } from './synthetic-step.js';
import { textStep } from './text-step.js';
import { tokensStep } from './tokens-step.js';

export const plugin = definePlugin({
  name: '@t2r/datasets',
  components: [textStep, mirroredStep, archiveStep, bitextStep, prepareStep, syntheticStep, tokensStep, pairsStep],
});
