/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { loadStep } from './load-step.js';
import { trainStep } from './train-step.js';

export const plugin = definePlugin({ name: '@t2r/tokenizers', components: [trainStep, loadStep] });
