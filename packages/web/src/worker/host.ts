/** The worker's side: holds models, states and generations, and answers the page's calls one after another. */
import { UserError } from '@t2r/core/errors';
import { type LocalModel, loadLocalModel } from '../runtime/load.js';
import type { LocalState } from '../runtime/state.js';
import type { LoadProgress } from '../types.js';
import { Generation } from './generation.js';
import type { CallName, Calls, Port, Request, Response, SentError, SentSource, StateView } from './protocol.js';

type Handlers = { [Name in CallName]: (given: Calls[Name][0], tell: Tell) => Promise<Calls[Name][1]> | Calls[Name][1] };

/** Tells the caller of a call that is being answered how far it is. */
type Tell = (news: { progress: LoadProgress } | { read: number; total: number }) => void;

/** Answers what comes through a port. */
export function serveModels(port: Port): void {
  const generations = new Map<number, Generation>();
  const handlers = createHandlers(generations);
  let queue = Promise.resolve();
  port.addEventListener('message', ({ data }: MessageEvent<Request>) => {
    if ('abort' in data) {
      generations.get(data.abort)?.abort();
      return;
    }
    const { id, call, given } = data;
    const send = (response: Response, transfer: Transferable[] = []) => port.postMessage(response, transfer);
    const handler = handlers[call] as (given: unknown, tell: Tell) => unknown;
    queue = queue.then(async () => {
      try {
        const answer = await handler(given, (news) => send({ id, ...news }));
        send({ id, answer }, call === 'saveState' ? [(answer as Uint8Array<ArrayBuffer>).buffer] : []);
      } catch (error) {
        send({ id, error: describe(error) });
      }
    });
  });
}

function createHandlers(generations: Map<number, Generation>): Handlers {
  const models = new Map<number, LocalModel>();
  const states = new Map<number, LocalState>();
  const view = ({ position, ids, pending, loadedText }: LocalState): StateView => ({
    position,
    ids,
    pending,
    loadedText,
  });
  /** The state that each generation runs on. */
  const stateOf = new Map<number, LocalState>();
  return {
    async load({ model, source, options }, tell) {
      const onProgress = (progress: LoadProgress) => tell({ progress });
      const loaded = await loadLocalModel(received(source), { ...options, onProgress });
      models.set(model, loaded);
      const { manifest, backend, threads } = loaded;
      return { manifest, backend, threads };
    },
    async dispose({ model }) {
      await find(models, model, 'model').dispose();
      models.delete(model);
      return undefined;
    },
    newState({ model, state }) {
      states.set(state, find(models, model, 'model').newState());
      return undefined;
    },
    async forkState({ state, as }) {
      states.set(as, await find(states, state, 'state').fork());
      return undefined;
    },
    async resetState({ state }) {
      await find(states, state, 'state').reset();
      return undefined;
    },
    saveState: ({ state }) => find(states, state, 'state').save(),
    async loadState({ state, file }) {
      const found = find(states, state, 'state');
      await found.load(file);
      return view(found);
    },
    disposeState({ state }) {
      states.get(state)?.dispose();
      states.delete(state);
      return undefined;
    },
    encode: ({ model, text }) => find(models, model, 'model').encode(text),
    decode: ({ model, ids }) => find(models, model, 'model').decode(ids),
    begin({ generation, model, state, prompt, options }) {
      const found = find(states, state, 'state');
      stateOf.set(generation, found);
      const given = { model: find(models, model, 'model'), state: found, prompt, options };
      generations.set(generation, new Generation(given));
      return undefined;
    },
    pull: ({ generation }, tell) =>
      find(generations, generation, 'generation').pull((read, total) => tell({ read, total })),
    async finish({ generation, used }) {
      await find(generations, generation, 'generation').finish(used);
      const state = find(stateOf, generation, 'generation');
      generations.delete(generation);
      stateOf.delete(generation);
      return view(state);
    },
  };
}

function find<T>(all: ReadonlyMap<number, T>, name: number, what: string): T {
  const found = all.get(name);
  if (found === undefined) throw new UserError(`the ${what} has been disposed`, { hint: `Make another ${what}.` });
  return found;
}

function received(source: SentSource) {
  if ('address' in source) return source.address;
  return 'files' in source ? source.files : source.contents;
}

/** An error as its words. */
function describe(error: unknown): SentError {
  if (error instanceof UserError) return { name: 'UserError', message: error.message, hint: error.hint };
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'Error', message: `${error}` };
}
