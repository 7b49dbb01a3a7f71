/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { exportStep } from './export-step.js';

export const plugin = definePlugin({ name: '@t2r/export', components: [exportStep] });
