/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { loadStep } from './steps/load-step.js';
import { saveStep } from './steps/save-step.js';

export const plugin = definePlugin({ name: '@t2r/zoo', components: [loadStep, saveStep] });
