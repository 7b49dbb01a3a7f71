/** A state in the thread that computes. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import type { ModelState } from '../types.js';
import type { DecoderSession } from './session.js';
import { openSnapshot, snapshotFile } from './snapshot.js';
import { stateBytes } from './state-bytes.js';
import type { StateTensors } from './tensors.js';

/** A place in a text that a state can go back to. */
export interface Mark {
  tensors: StateTensors;
  /** Tokens of the text there. */
  length: number;
}

export class LocalState implements ModelState {
  readonly #manifest: LanguageManifest;
  readonly #session: DecoderSession;
  #tensors: StateTensors;
  #ids: number[];
  #disposed = false;
  /** Whether a generation changes it now. */
  #busy = false;

  constructor(
    manifest: LanguageManifest,
    session: DecoderSession,
    tensors = session.start(),
    ids: readonly number[] = [],
  ) {
    this.#manifest = manifest;
    this.#session = session;
    this.#tensors = tensors;
    this.#ids = [...ids];
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get position(): number {
    return this.#tensors.position;
  }

  get bytes(): number {
    return stateBytes(this.#manifest, this.position);
  }

  /** What the next step is given. */
  get tensors(): StateTensors {
    return this.#tensors;
  }

  /** Ids of the text that have not been fed. */
  get pending(): readonly number[] {
    return this.#ids.slice(this.position);
  }

  /** Ids of a text that have been fed, or are fed next. */
  append(...ids: readonly number[]): void {
    for (const id of ids) this.#ids.push(id);
  }

  /** The state after more tokens takes the place of this one. */
  advance(tensors: StateTensors): void {
    this.#tensors.release();
    this.#tensors = tensors;
  }

  /** The present place. Whoever takes it must give it to `rewind` or release its tensors. */
  mark(): Mark {
    return { tensors: this.#tensors.share(), length: this.#ids.length };
  }

  rewind({ tensors, length }: Mark): void {
    this.advance(tensors);
    this.#ids.length = length;
  }

  /** Holds the state for one generation. @throws UserError where another one has it, or it is disposed. */
  begin(): void {
    this.#check();
    this.#busy = true;
  }

  end(): void {
    this.#busy = false;
  }

  async save(): Promise<Uint8Array<ArrayBuffer>> {
    this.#check();
    const { position } = this;
    return snapshotFile(this.#manifest, { position, values: await this.#tensors.read(), ids: this.#ids });
  }

  async load(file: Uint8Array): Promise<void> {
    this.#check();
    const { position, values, ids } = await openSnapshot(this.#manifest, file);
    this.advance(this.#session.upload(position, values));
    this.#ids = [...ids];
  }

  async fork(): Promise<LocalState> {
    this.#check();
    return new LocalState(this.#manifest, this.#session, this.#tensors.share(), this.#ids);
  }

  async reset(): Promise<void> {
    this.#check();
    this.advance(this.#session.start());
    this.#ids = [];
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#tensors.release();
  }

  #check(): void {
    if (this.#disposed) throw new UserError('the state has been disposed', { hint: 'Make another by newState().' });
    if (this.#busy)
      throw new UserError('a generation is running on the state', { hint: 'Stop it first, or fork the state before.' });
  }
}
