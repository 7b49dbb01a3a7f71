/** The evaluation steps. */
import { definePlugin } from '@t2r/core';
import { generationStep } from './generation-step.js';
import { perplexityStep } from './perplexity-step.js';
import { corpusStep } from './translation/corpus-step.js';
import { translationSpeedStep } from './translation/speed-step.js';
import { tokenizedBleuStep } from './translation/tokenized-bleu.js';
import { translationStep } from './translation/translation-step.js';

export const plugin = definePlugin({
  name: '@t2r/evaluators',
  components: [perplexityStep, generationStep, translationStep, translationSpeedStep, tokenizedBleuStep, corpusStep],
});
