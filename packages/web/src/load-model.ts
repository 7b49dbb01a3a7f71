/** The entrance: a model from its files, in this thread or in a worker. */
import { loadLocalModel } from './runtime/load.js';
import type { LoadOptions, Model, ModelSource } from './types.js';
import type { Port } from './worker/protocol.js';
import { loadRemoteModel } from './worker/remote-model.js';

export interface LoadModelOptions extends LoadOptions {
  /**
   * A worker that runs `@t2r/web/worker`, where the model is to compute, so that the page stays quick; it may hold several
   * models. Default: this thread.
   */
  worker?: Port;
}

/**
 * Loads a language model that `t2r export` has written. Files are held to the sizes and checksums of their config.json.
 *
 * @param source the address of a folder of this origin, picked or dropped files, or contents by name
 * @throws UserError where files are missing, damaged or of another kind, or the browser cannot run the model
 */
export function loadModel(source: ModelSource, { worker, ...options }: LoadModelOptions = {}): Promise<Model> {
  return worker === undefined ? loadLocalModel(source, options) : loadRemoteModel(worker, source, options);
}
