/** What decodes without Node and without an engine: in a browser. */
export { checkSampling, createSampler, logProbability, type Sampler, type SamplingOptions } from './sampling.js';
