/** The evaluation steps. */
import { definePlugin } from '@t2r/core';
import { generationStep } from './generation-step.js';
import { perplexityStep } from './perplexity-step.js';

export const plugin = definePlugin({ name: '@t2r/evaluators', components: [perplexityStep, generationStep] });
