/**
 * Meters that fairseq's trainer puts into checkpoints (`extra_state.train_meters`, up to version 0.9): objects of plain
 * numbers. Source: fairseq/trainer.py, `save_checkpoint`; fairseq/meters.py, later fairseq/logging/meters.py.
 */
import { type AllowedGlobal, PickleNamespace } from './values.js';

const meter: AllowedGlobal = { call: () => new PickleNamespace() };

export const FAIRSEQ_NAMES: readonly (readonly [string, AllowedGlobal])[] = [
  'fairseq.meters',
  'fairseq.logging.meters',
].flatMap((module) =>
  ['AverageMeter', 'StopwatchMeter', 'TimeMeter'].map((name): [string, AllowedGlobal] => [`${module}.${name}`, meter]),
);
