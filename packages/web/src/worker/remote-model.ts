/** A model in a worker. */

import { stateBytes } from '../runtime/state-bytes.js';
import type { GeneratedToken, GenerateOptions, GenerationEnd, LoadOptions, Model, ModelSource } from '../types.js';
import { type Caller, callerOf } from './calls.js';
import type { LoadedView, Port, SentSource } from './protocol.js';
import { RemoteState, remoteState } from './remote-state.js';

/** Loads a model in the worker behind a port. @throws UserError as `loadModel`. */
export async function loadRemoteModel(port: Port, source: ModelSource, options: LoadOptions): Promise<Model> {
  const { onProgress, ...sent } = options;
  const caller = callerOf(port);
  const model = caller.name();
  const given = { model, source: sentSource(source), options: sent };
  const loaded = await caller.call('load', given, { progress: onProgress });
  return remoteModel(caller, model, loaded);
}

/** Addresses are relative to the page, and not to the worker's script. */
function sentSource(source: ModelSource): SentSource {
  if (source instanceof URL) return { address: source.href };
  if (typeof source === 'string') {
    const here = globalThis.location?.href;
    return { address: URL.canParse(source, here) ? new URL(source, here).href : source };
  }
  if (source instanceof Map) return { contents: source };
  return { files: [...(source as Iterable<File>)] };
}

function remoteModel(caller: Caller, model: number, { manifest, backend, threads }: LoadedView): Model {
  const newState = () => {
    const state = caller.name();
    // Calls are answered in their order, so that whatever uses the state comes after.
    void caller.call('newState', { model, state });
    return new RemoteState(caller, manifest, state);
  };

  async function* generate(
    prompt: string | ArrayLike<number>,
    { state: given, signal, onPrompt, ...options }: GenerateOptions = {},
  ): AsyncGenerator<GeneratedToken, GenerationEnd> {
    const state = given === undefined ? newState() : remoteState(given);
    const generation = caller.name();
    const sent = typeof prompt === 'string' ? prompt : Array.from(prompt);
    const abort = () => caller.abort(generation);
    let used = 0;
    try {
      const begin = { generation, model, state: state.name, prompt: sent, options };
      await caller.call('begin', begin);
      signal?.addEventListener('abort', abort);
      for (;;) {
        if (signal?.aborted) abort();
        used = 0;
        const { tokens, position, end } = await caller.call('pull', { generation }, { prompt: onPrompt });
        state.update({ position });
        for (const token of tokens) {
          used++;
          yield token;
          if (signal?.aborted) return { reason: 'stopped', text: '' };
        }
        if (end !== undefined) return end;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      state.update(await caller.call('finish', { generation, used }));
      if (given === undefined) state.dispose();
    }
  }

  return {
    manifest,
    backend,
    threads,
    stateBytes: (position) => stateBytes(manifest, position),
    newState,
    generate,
    encode: (text) => caller.call('encode', { model, text }),
    decode: (ids) => caller.call('decode', { model, ids: Int32Array.from(ids) }),
    async dispose() {
      await caller.call('dispose', { model });
    },
  };
}
