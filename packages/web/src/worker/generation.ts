/** A generation in the worker: runs for a slice of time when asked, and can go back within its last slice. */
import type { LocalModel } from '../runtime/load.js';
import type { LocalState, Mark } from '../runtime/state.js';
import type { GeneratedToken, GenerationEnd } from '../types.js';
import type { Batch, SentOptions } from './protocol.js';

/** Milliseconds that a slice takes, so that tokens are shown as they come. */
const SLICE_MS = 25;
/** Bytes of states that are kept to go back to. */
const MARKS_BYTES = 64 << 20;

type TellPrompt = (read: number, total: number) => void;

export interface GenerationOptions {
  model: LocalModel;
  state: LocalState;
  prompt: string | readonly number[];
  options: SentOptions;
}

export class Generation {
  readonly #state: LocalState;
  readonly #tokens: AsyncGenerator<GeneratedToken, GenerationEnd>;
  readonly #abort = new AbortController();
  readonly #maxMarks: number;
  /** Of the last slice: the state at each token, before it is fed. */
  #marks: Mark[] = [];
  #started = false;
  #tellPrompt: TellPrompt | undefined;

  constructor({ model, state, prompt, options }: GenerationOptions) {
    const { signal } = this.#abort;
    const onPrompt: TellPrompt = (read, total) => this.#tellPrompt?.(read, total);
    this.#state = state;
    this.#tokens = model.generate(prompt, { ...options, state, signal, onPrompt });
    const bytes = model.stateBytes(Infinity);
    this.#maxMarks = Math.max(1, Math.floor(MARKS_BYTES / Math.max(1, bytes)));
  }

  /** The next tokens: the first alone, then as many as a slice of time gives. */
  async pull(tellPrompt: TellPrompt): Promise<Batch> {
    this.#tellPrompt = tellPrompt;
    this.#forget();
    const tokens: GeneratedToken[] = [];
    const until = performance.now() + SLICE_MS;
    do {
      const next = await this.#tokens.next();
      if (next.done) return { tokens, position: this.#state.position, end: next.value };
      tokens.push(next.value);
      this.#marks.push(this.#state.mark());
      if (!this.#started) break;
    } while (performance.now() < until && tokens.length < this.#maxMarks);
    this.#started = true;
    return { tokens, position: this.#state.position };
  }

  /** Makes a slice that is running end soon. */
  abort(): void {
    this.#abort.abort();
  }

  /** Ends it; the state is that of the last token used of the last slice. */
  async finish(used: number): Promise<void> {
    await this.#tokens.return({ reason: 'stopped', text: '' });
    const mark = this.#marks[used - 1];
    if (mark !== undefined && used < this.#marks.length) {
      this.#state.rewind(mark);
    }
    this.#forget();
  }

  #forget(): void {
    for (const { tensors } of this.#marks) tensors.release();
    this.#marks = [];
  }
}
