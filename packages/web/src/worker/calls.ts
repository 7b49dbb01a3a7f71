/** The page's end of the port: calls with answers. */
import { UserError } from '@t2r/core/errors';
import type { LoadProgress } from '../types.js';
import type { CallName, Calls, Port, Request, Response, SentError } from './protocol.js';

/** What is told while a call is being answered. */
export interface Listener {
  progress?: (progress: LoadProgress) => void;
  prompt?: (read: number, total: number) => void;
}

export interface Caller {
  /** A number that no other model, state or generation of the port has. */
  name(): number;
  call<Name extends CallName>(name: Name, given: Calls[Name][0], listener?: Listener): Promise<Calls[Name][1]>;
  abort(generation: number): void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  listener?: Listener;
}

const callers = new WeakMap<Port, Caller>();

/** The caller of a port: one, however many models are loaded through it. */
export function callerOf(port: Port): Caller {
  let caller = callers.get(port);
  if (caller === undefined) {
    caller = createCaller(port);
    callers.set(port, caller);
  }
  return caller;
}

function createCaller(port: Port): Caller {
  const waiting = new Map<number, Waiting>();
  let count = 0;
  port.addEventListener('message', ({ data }: MessageEvent<Response>) => {
    const call = waiting.get(data.id);
    if (call === undefined) return;
    if ('progress' in data) return call.listener?.progress?.(data.progress);
    if ('read' in data) return call.listener?.prompt?.(data.read, data.total);
    waiting.delete(data.id);
    if ('error' in data) call.reject(toError(data.error));
    else call.resolve(data.answer);
  });
  // A worker whose script cannot be fetched says so by an event, and then never answers.
  (port as Partial<EventTarget>).addEventListener?.('error', (event: Event) => {
    const { message = '' } = event as Partial<ErrorEvent>;
    const error = new UserError(`the worker has failed${message === '' ? '' : `: ${message}`}`, {
      hint: 'Load the page again.',
    });
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  return {
    name: () => count++,
    call: (name, given, listener) =>
      new Promise((resolve, reject) => {
        const id = count++;
        waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject, listener });
        port.postMessage({ id, call: name, given } as Request);
      }),
    abort: (generation) => port.postMessage({ abort: generation } satisfies Request),
  };
}

function toError({ name, message, hint }: SentError): Error {
  if (name === 'UserError') return new UserError(message, { hint });
  const error = new Error(message);
  error.name = name;
  return error;
}
