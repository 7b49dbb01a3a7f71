/** Malformed requests, drawn from a seed: what a server must refuse, or answer, and never fail at. */
import { createRandom, type Random } from '@t2r/core';

const FIELDS = [
  'model',
  'prompt',
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'n',
  'best_of',
  'stream',
  'stream_options',
  'stop',
  'seed',
  'logprobs',
  'echo',
  'user',
  'suffix',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'ignore_eos',
  'save_state',
  'state_id',
  'repetition_penalty',
  '__proto__',
  'constructor',
  'unknown',
];

const VALUES: unknown[] = [
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  0.5,
  1e9,
  1e308,
  -1e308,
  4294967296,
  '',
  'a',
  'A text',
  '\u0000',
  '\ud800',
  '😀',
  'x'.repeat(5000),
  [],
  [1, 2, 3],
  [-1],
  [0.5],
  [1e12],
  [[]],
  [[1], [2]],
  ['a', 'b'],
  ['', ''],
  [null],
  {},
  { a: 1 },
  { include_usage: true },
  { length: 3 },
  [['a']],
  new Array(300).fill(7),
];

/** A request as the server gets it. */
export interface FuzzedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

function damaged(text: string, random: Random): string {
  const at = random.integer(text.length + 1);
  const kind = random.integer(3);
  if (kind === 0) return text.slice(0, at);
  if (kind === 1) return `${text.slice(0, at)}${String.fromCharCode(random.integer(0x300))}${text.slice(at)}`;
  return text.slice(0, at) + text.slice(at + 1 + random.integer(4));
}

/** Request number `index`. What it generates, if it is valid, is short. */
export function fuzzedRequest(index: number, seed = 1): FuzzedRequest {
  const random = createRandom('load fuzz', seed, index);
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!;
  const fields: [string, unknown][] = [
    ['prompt', 'Once'],
    ['max_tokens', random.integer(6)],
    ...Array.from({ length: random.integer(4) }, (): [string, unknown] => [pick(FIELDS), pick(VALUES)]),
  ];
  // Written by hand, so that names may come twice.
  const json = `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const kind = random.integer(10);
  const request = {
    method: 'POST',
    path: '/v1/completions',
    headers: { 'content-type': 'application/json' },
    body: json,
  };
  if (kind < 6) return request;
  if (kind === 6) return { ...request, body: damaged(json, random) };
  if (kind === 7) return { ...request, body: JSON.stringify(pick(VALUES)) };
  if (kind === 8)
    return {
      ...request,
      headers: { 'content-type': pick(['text/plain', 'application/xml', 'a/b', 'application/json; charset=x']) },
    };
  const path = pick([
    '/',
    '/v1',
    '/v1/completions/',
    '/v1/models/../..',
    '/v1/models/%00',
    '/v1/%ff',
    '/metrics?x=1',
    `/${'a'.repeat(3000)}`,
  ]);
  const method = pick(['GET', 'PUT', 'DELETE', 'POST', 'OPTIONS', 'HEAD']);
  return { method, path, headers: {}, body: method === 'POST' || method === 'PUT' ? '' : undefined };
}
