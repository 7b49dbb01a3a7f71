/** What needs neither Node nor an engine, for browsers: state files, choosing tokens, stop strings. */
export { rankIds } from './ranking.js';
export {
  argmax,
  checkSampling,
  createSampler,
  logProbability,
  type Sampler,
  type SamplingOptions,
} from './sampling.js';
export { decodeSnapshot, encodeSnapshot, type SnapshotOptions } from './snapshot/format.js';
export type { GeneratorSnapshot, StateSnapshot } from './snapshot/snapshot.js';
export { createStopFilter, type StopFilter } from './stop.js';
