/** The report step. */
import { definePlugin } from '@t2r/core';
import { htmlStep } from './html-step.js';

export const plugin = definePlugin({ name: '@t2r/report', components: [htmlStep] });
