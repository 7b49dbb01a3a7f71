/** The components of this package. */
import { definePlugin } from '@t2r/core';
import { adam, adamw } from './adam.js';
import { attentionTransfer } from './attention-transfer.js';
import { convertSwap } from './convert-swap.js';
import { modelInit } from './model-init.js';
import { nag } from './nag.js';
import { constantSchedule, cosineSchedule, inverseSqrtSchedule } from './schedule.js';
import { cosineRestartsSchedule } from './schedule-restarts.js';
import { trainLm } from './train-lm.js';
import { trainTranslation } from './train-translation.js';

export const plugin = definePlugin({
  name: '@t2r/trainers',
  components: [
    modelInit,
    convertSwap,
    trainLm,
    trainTranslation,
    attentionTransfer,
    adam,
    adamw,
    nag,
    constantSchedule,
    inverseSqrtSchedule,
    cosineSchedule,
    cosineRestartsSchedule,
  ],
});
