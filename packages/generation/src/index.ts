export { type CheckpointGeneratorOptions, checkpointGenerator } from './checkpoint.js';
export type { GeneratedToken, GenerateOptions, StopReason } from './generate.js';
export { createGenerator, type GeneratorOptions, type TextGenerator } from './generator.js';
export {
  argmax,
  checkSampling,
  createSampler,
  logProbability,
  type Sampler,
  type SamplingOptions,
} from './sampling.js';
export type { GeneratorSnapshot } from './state.js';
export type { GenerateTextOptions } from './text.js';
