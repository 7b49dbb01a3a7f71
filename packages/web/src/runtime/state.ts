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
  /** Number of ids there. */
  ids: number;
  pending: readonly number[];
}

/** What is known of a text beside its tensors. */
export interface TextSoFar {
  /** Of the file that the state was loaded from. */
  loadedText: string;
  ids: readonly number[];
  pending: readonly number[];
}

/** What a state is bound to. */
export interface StateOwner {
  manifest: LanguageManifest;
  session: DecoderSession;
  /** Text of ids, for files; undefined without a tokenizer. */
  decode?: (ids: ArrayLike<number>) => string;
}

const NO_TEXT: TextSoFar = { loadedText: '', ids: [], pending: [] };

export class LocalState implements ModelState {
  readonly #owner: StateOwner;
  #tensors: StateTensors;
  #loadedText: string;
  #ids: number[];
  #pending: readonly number[];
  #disposed = false;
  /** Whether a generation changes it now. */
  #busy = false;

  constructor(owner: StateOwner, tensors = owner.session.start(), { loadedText, ids, pending } = NO_TEXT) {
    this.#owner = owner;
    this.#tensors = tensors;
    this.#loadedText = loadedText;
    this.#ids = [...ids];
    this.#pending = pending;
  }

  get ids(): readonly number[] {
    return this.#ids;
  }

  get loadedText(): string {
    return this.#loadedText;
  }

  get pending(): readonly number[] {
    return this.#pending;
  }

  get position(): number {
    return this.#tensors.position;
  }

  get bytes(): number {
    return stateBytes(this.#owner.manifest, this.position);
  }

  /** What the next step is given. */
  get tensors(): StateTensors {
    return this.#tensors;
  }

  /** Ids that the text goes on with. They are pending. */
  append(ids: readonly number[]): void {
    for (const id of ids) this.#ids.push(id);
    this.#pending = [...this.#pending, ...ids];
  }

  /** The state after the pending ids, but those that still are, takes the place of this one. */
  advance(tensors: StateTensors, pending: readonly number[] = []): void {
    this.#replace(tensors);
    this.#pending = pending;
  }

  /** The present place. Whoever takes it must release its tensors. */
  mark(): Mark {
    return { tensors: this.#tensors.share(), ids: this.#ids.length, pending: this.#pending };
  }

  rewind({ tensors, ids, pending }: Mark): void {
    this.#replace(tensors.share());
    this.#ids.length = ids;
    this.#pending = pending;
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
    const { manifest, decode } = this.#owner;
    const text = decode === undefined ? undefined : this.#loadedText + decode(this.#ids);
    const values = await this.#tensors.read();
    return snapshotFile(manifest, { position: this.position, values, pending: this.#pending, text });
  }

  async load(file: Uint8Array): Promise<void> {
    this.#check();
    const { position, values, pending, text = '' } = await openSnapshot(this.#owner.manifest, file);
    this.#replace(this.#owner.session.upload(position, values));
    this.#ids = [];
    this.#pending = pending;
    this.#loadedText = text;
  }

  async fork(): Promise<LocalState> {
    this.#check();
    return new LocalState(this.#owner, this.#tensors.share(), this);
  }

  async reset(): Promise<void> {
    this.#check();
    this.#replace(this.#owner.session.start());
    this.#ids = [];
    this.#pending = [];
    this.#loadedText = '';
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#tensors.release();
  }

  #replace(tensors: StateTensors): void {
    this.#tensors.release();
    this.#tensors = tensors;
  }

  #check(): void {
    if (this.#disposed) throw new UserError('the state has been disposed', { hint: 'Make another by newState().' });
    if (this.#busy)
      throw new UserError('a generation is running on the state', { hint: 'Stop it first, or fork the state before.' });
  }
}
