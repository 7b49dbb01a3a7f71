export { type LoadModelOptions, loadModel } from './load-model.js';
export type {
  Backend,
  GeneratedToken,
  GenerateOptions,
  GenerationEnd,
  LoadOptions,
  LoadProgress,
  Model,
  ModelSource,
  ModelState,
  RuntimeOptions,
  StopReason,
} from './types.js';
export { serveModels } from './worker/host.js';
export type { Port } from './worker/protocol.js';
