/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { textStep } from './text-step.js';
import { tokensStep } from './tokens-step.js';

export const plugin = definePlugin({ name: '@t2r/datasets', components: [textStep, tokensStep] });
