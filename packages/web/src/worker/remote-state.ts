/** A state in a worker, as the page has it: where it is, and not what is in it. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import { stateBytes } from '../runtime/state-bytes.js';
import type { ModelState } from '../types.js';
import type { Caller } from './calls.js';
import type { StateView } from './protocol.js';

const EMPTY: StateView = { position: 0, ids: [], pending: [], loadedText: '' };

export class RemoteState implements ModelState {
  readonly name: number;
  readonly #caller: Caller;
  readonly #manifest: LanguageManifest;
  #view: StateView;

  /** @param name What the worker calls it. */
  constructor(caller: Caller, manifest: LanguageManifest, name: number, view = EMPTY) {
    this.#caller = caller;
    this.#manifest = manifest;
    this.name = name;
    this.#view = view;
  }

  get ids(): readonly number[] {
    return this.#view.ids;
  }

  get pending(): readonly number[] {
    return this.#view.pending;
  }

  get loadedText(): string {
    return this.#view.loadedText;
  }

  get position(): number {
    return this.#view.position;
  }

  get bytes(): number {
    return stateBytes(this.#manifest, this.position);
  }

  /** Takes over what the worker says. */
  update(view: Partial<StateView>): void {
    this.#view = { ...this.#view, ...view };
  }

  save(): Promise<Uint8Array<ArrayBuffer>> {
    return this.#caller.call('saveState', { state: this.name });
  }

  async load(file: Uint8Array): Promise<void> {
    this.update(await this.#caller.call('loadState', { state: this.name, file }));
  }

  async fork(): Promise<RemoteState> {
    const name = this.#caller.name();
    await this.#caller.call('forkState', { state: this.name, as: name });
    return new RemoteState(this.#caller, this.#manifest, name, this.#view);
  }

  async reset(): Promise<void> {
    await this.#caller.call('resetState', { state: this.name });
    this.#view = EMPTY;
  }

  dispose(): void {
    void this.#caller.call('disposeState', { state: this.name });
  }
}

/** @throws UserError where a state is not one of a worker. */
export function remoteState(state: ModelState): RemoteState {
  if (state instanceof RemoteState) return state;
  throw new UserError('the state belongs to another thread than the model', {
    hint: "Make it by the model's own newState(), or save it and load it there.",
  });
}
