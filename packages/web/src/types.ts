/** What a loaded model is to its user, whether it runs in this thread or in a worker. */
import type { LanguageManifest } from '@t2r/export/manifest';
import type { SamplingOptions } from '@t2r/generation/portable';

/** What computes: WebAssembly on the processor, or WebGPU. */
export type Backend = 'wasm' | 'webgpu';

/** How far the reading of a model's files is. */
export interface LoadProgress {
  file: string;
  /** Bytes of all files read so far. */
  bytes: number;
  /** Bytes of all files that are read before the model is ready. */
  total: number;
}

/** Where the files of an exported folder come from: a folder's address, picked or dropped files, or contents by name. */
export type ModelSource = string | URL | Iterable<File> | ReadonlyMap<string, Uint8Array>;

export interface RuntimeOptions {
  /** Default wasm. */
  backend?: Backend;
  /**
   * Threads of the wasm backend; more than one needs a page that is isolated (headers Cross-Origin-Opener-Policy: same-origin
   * and Cross-Origin-Embedder-Policy: require-corp). Default: half of the processor's, at most 4, where it is, else 1. Holds
   * for the first model that is loaded in a thread.
   */
  threads?: number;
  /** Addresses of onnxruntime-web's .mjs and .wasm files for the backend. Default: beside the script, as the package has them. */
  wasmPaths?: { mjs: string; wasm: string };
}

export interface LoadOptions extends RuntimeOptions {
  onProgress?: (progress: LoadProgress) => void;
}

/** One new token. */
export interface GeneratedToken {
  id: number;
  /** Text that is certain with this token; empty where a character is not complete yet. */
  text: string;
  /** Its place in the text, counted from the first token of the prompt. */
  position: number;
  /** Milliseconds that computing its logits and choosing it took; of the first token, with the whole prompt. */
  ms: number;
  /** With `logProbs`: natural log of its probability under the model itself. */
  logProb?: number;
}

/** Why a generation ended. `positions`: the model, or its cache, has no room for another token. */
export type StopReason = 'stop-token' | 'max-tokens' | 'positions' | 'stopped';

/** How a generation ended. */
export interface GenerationEnd {
  reason: StopReason;
  /** Text of a last character that was not complete (U+FFFD), or empty. */
  text: string;
}

export interface GenerateOptions extends SamplingOptions {
  /** New tokens at most; 0 only reads the prompt, whose last token stays pending. Default 256. */
  maxTokens?: number;
  /** Ids that end the text; they are not yielded. Default: the model's end-of-text token, if it has one. */
  stopTokens?: readonly number[];
  /** Yield the log-probability of each token too. Default false. */
  logProbs?: boolean;
  /** The state to go on from, which is changed. Default: a new one, thrown away at the end. */
  state?: ModelState;
  /** Stops between two tokens; the generation then ends as `stopped`. */
  signal?: AbortSignal;
  /** Told how many tokens of the prompt have been read. */
  onPrompt?: (read: number, total: number) => void;
}

/** What a sequence carries from token to token. */
export interface ModelState {
  /** Positions in the state. */
  readonly position: number;
  /** Ids of the text that are not in the state yet, such as the token generated last; they are fed when the text goes on. */
  readonly pending: readonly number[];
  /** Ids of the text since it began, or since the state was loaded. */
  readonly ids: readonly number[];
  /** Text that the file told which the state was loaded from; empty where it told none. */
  readonly loadedText: string;
  /** Bytes that a state of this position needs: fixed for an RNN, growing with the position for a cache. */
  readonly bytes: number;
  /** The state as a file, which `load` reads here, in Node (`t2r generate --from-state`) and in other browsers. */
  save(): Promise<Uint8Array<ArrayBuffer>>;
  /** Takes over a saved state. @throws UserError where the file is damaged or of another model; the state is then as before. */
  load(file: Uint8Array): Promise<void>;
  /** Another state of the same text. Costs no memory until one of the two goes on. */
  fork(): Promise<ModelState>;
  /** Forgets everything; further use begins a new text. */
  reset(): Promise<void>;
  dispose(): void;
}

export interface Model {
  readonly manifest: LanguageManifest;
  readonly backend: Backend;
  /** Threads of the wasm backend. */
  readonly threads: number;
  /** Bytes of state of one sequence at a position. */
  stateBytes(position: number): number;
  /** An empty state. */
  newState(): ModelState;
  /**
   * Yields tokens as they are chosen, and returns how it ended. The prompt is fed first: text, or ids. An empty prompt of an
   * empty state stands for the end-of-text token. One generation at a time runs on a state.
   * @throws UserError for options out of range, ids outside the vocabulary, and a prompt without room.
   */
  generate(
    prompt: string | ArrayLike<number>,
    options?: GenerateOptions,
  ): AsyncGenerator<GeneratedToken, GenerationEnd>;
  /** Ids of a text. @throws UserError where the model has no tokenizer. */
  encode(text: string): Promise<Int32Array>;
  /** Text of ids. @throws UserError where the model has no tokenizer. */
  decode(ids: ArrayLike<number>): Promise<string>;
  dispose(): Promise<void>;
}
