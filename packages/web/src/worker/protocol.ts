/**
 * What the page and the worker say to each other. The page calls, the worker answers every call once; `abort` needs no answer.
 * Models, states and generations live in the worker and are named by numbers that the page chooses. Tensors stay there: only
 * tokens go to the page, and a state when it is saved.
 */
import type { LanguageManifest } from '@t2r/export/manifest';
import type {
  Backend,
  GeneratedToken,
  GenerateOptions,
  GenerationEnd,
  LoadProgress,
  RuntimeOptions,
} from '../types.js';

/** Options of a generation that can be sent. */
export type SentOptions = Omit<GenerateOptions, 'state' | 'signal' | 'onPrompt'>;

/** Sources that can be sent. */
export type SentSource = { address: string } | { files: File[] } | { contents: Map<string, Uint8Array> };

/** What the page mirrors of a state. */
export interface StateView {
  position: number;
  ids: readonly number[];
  pending: readonly number[];
  loadedText: string;
}

/** Tokens since the last answer, or what came instead. */
export interface Batch {
  tokens: GeneratedToken[];
  position: number;
  end?: GenerationEnd;
}

/** The calls: what they are given, and what they answer. */
export interface Calls {
  load: [{ model: number; source: SentSource; options: RuntimeOptions }, LoadedView];
  dispose: [{ model: number }, undefined];
  newState: [{ model: number; state: number }, undefined];
  forkState: [{ state: number; as: number }, undefined];
  resetState: [{ state: number }, undefined];
  saveState: [{ state: number }, Uint8Array<ArrayBuffer>];
  loadState: [{ state: number; file: Uint8Array }, StateView];
  disposeState: [{ state: number }, undefined];
  encode: [{ model: number; text: string }, Int32Array];
  decode: [{ model: number; ids: Int32Array }, string];
  /** Begins a generation; computes nothing. */
  begin: [
    { generation: number; model: number; state: number; prompt: string | number[]; options: SentOptions },
    undefined,
  ];
  /** Computes for about as long as a picture stands on the screen. */
  pull: [{ generation: number }, Batch];
  /** Ends a generation, of whose last batch so many tokens were used: the state goes back to the last of them. */
  finish: [{ generation: number; used: number }, StateView];
}

export type CallName = keyof Calls;

export interface LoadedView {
  manifest: LanguageManifest;
  backend: Backend;
  threads: number;
}

export type Request =
  | { [Name in CallName]: { id: number; call: Name; given: Calls[Name][0] } }[CallName]
  | { abort: number };

export interface SentError {
  name: string;
  message: string;
  hint?: string;
}

export type Response =
  | { id: number; answer: unknown }
  | { id: number; error: SentError }
  | { id: number; progress: LoadProgress }
  | { id: number; read: number; total: number };

/** A worker, or a port to one. */
export interface Port {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void;
}
