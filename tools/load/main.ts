/**
 * Load on a running `t2r serve`, with one JSON object as the result:
 *
 *     npm run load -- http://127.0.0.1:8000 --clients 64 --seconds 60
 *     npm run load -- http://127.0.0.1:8000 --fuzz 1000
 *
 * Every stream is held against the same request alone, before or after. Exit code 1 where anything was not as it should be.
 */
import { parseArgs } from 'node:util';
import { createAgent, send, streamedText } from './client.js';
import { fuzzedRequest } from './requests.js';

const USAGE =
  'usage: npm run load -- <address of t2r serve> [--clients 64] [--seconds 60] [--tokens 64] [--requests 32] [--fuzz 1000]';

function fail(message: string): never {
  console.error(`error: ${message}\n${USAGE}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        help: { type: 'boolean' },
        clients: { type: 'string', default: '64' },
        seconds: { type: 'string', default: '60' },
        tokens: { type: 'string', default: '64' },
        /** Different requests. */
        requests: { type: 'string', default: '32' },
        fuzz: { type: 'string' },
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
}

const { values, positionals } = parse();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [address] = positionals;
if (address === undefined) fail('it needs the address of a running server');
if (!URL.canParse(address)) fail(`'${address}' is not an address such as http://127.0.0.1:8000`);
for (const name of ['clients', 'seconds', 'tokens', 'requests', 'fuzz'] as const) {
  const value = values[name];
  if (value !== undefined && !(Number(value) > 0)) fail(`--${name} must be a number above 0, not '${value}'`);
}
const agent = createAgent();
const json = { 'content-type': 'application/json' };

const PROMPTS = ['Once upon a time', 'It was a dark night', 'The captain said', 'In the beginning of the year', 'She'];

const bodyOf = (n: number) =>
  JSON.stringify({
    prompt: PROMPTS[n % PROMPTS.length],
    max_tokens: Number(values.tokens),
    seed: n,
    temperature: n % 4 === 0 ? 0 : 0.8,
    top_p: n % 3 === 0 ? 0.9 : 1,
    ignore_eos: true,
    stream: true,
    stream_options: { include_usage: true },
  });

const complete = (n: number) =>
  send(agent, new URL('/v1/completions', address), { method: 'POST', headers: json, body: bodyOf(n) });

async function health() {
  return JSON.parse((await send(agent, new URL('/health', address), { method: 'GET', headers: {} })).body);
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const rounded = (value: number | undefined) => (value === undefined ? null : Math.round(value * 10) / 10);

async function load() {
  const kinds = Number(values.requests);
  const alone: string[] = [];
  const aloneStart = performance.now();
  let aloneTokens = 0;
  for (let n = 0; n < kinds; n++) {
    const { text, tokens } = streamedText(await complete(n));
    alone.push(text);
    aloneTokens += tokens;
  }
  const aloneSeconds = (performance.now() - aloneStart) / 1000;
  const clients = Number(values.clients);
  const start = performance.now();
  const end = start + 1000 * Number(values.seconds);
  const errors: string[] = [];
  const first: number[] = [];
  const whole: number[] = [];
  let tokens = 0;
  let different = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let turn = 0; performance.now() < end; turn++) {
        const n = (client + turn * 7) % kinds;
        try {
          const answer = await complete(n);
          const found = streamedText(answer);
          if (found.text !== alone[n]) different++;
          tokens += found.tokens;
          first.push(answer.times[0]!);
          whole.push(answer.times.at(-1)!);
        } catch (error) {
          errors.push((error as Error).message);
        }
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  for (const list of [first, whole]) list.sort((a, b) => a - b);
  return {
    clients,
    seconds: rounded(seconds),
    streams: whole.length,
    tokens,
    tokens_per_s: rounded(tokens / seconds),
    tokens_per_s_alone: rounded(aloneTokens / aloneSeconds),
    first_token_ms: { p50: rounded(quantile(first, 0.5)), p95: rounded(quantile(first, 0.95)) },
    stream_ms: { p50: rounded(quantile(whole, 0.5)), p95: rounded(quantile(whole, 0.95)) },
    errors: errors.length,
    first_error: errors[0] ?? null,
    different_from_alone: different,
    ok: errors.length === 0 && different === 0,
  };
}

async function fuzz(count: number) {
  const before = await health();
  const statuses: Record<string, number> = {};
  const problems: string[] = [];
  for (let at = 0; at < count; at += 8) {
    await Promise.all(
      Array.from({ length: Math.min(8, count - at) }, async (_, i) => {
        const asked = fuzzedRequest(at + i);
        try {
          const url = new URL(address!);
          const { status, body } = await send(agent, Object.assign(url, { pathname: asked.path }), asked);
          statuses[status] = (statuses[status] ?? 0) + 1;
          const shaped = status < 400 || asked.method === 'HEAD' || typeof JSON.parse(body).error?.message === 'string';
          if (status >= 500 || !shaped) problems.push(`${at + i}: ${status} ${body.slice(0, 200)}`);
        } catch (error) {
          problems.push(`${at + i}: ${(error as Error).message}`);
        }
      }),
    );
  }
  const after = await health();
  const left = after.active + after.waiting + after.parked;
  return { requests: count, statuses, problems, before, after, ok: problems.length === 0 && left === 0 };
}

try {
  await health();
} catch (error) {
  console.error(`error: no answer from ${address}/health: ${(error as Error).message}; start one with 't2r serve'`);
  process.exit(2);
}
const result = values.fuzz === undefined ? await load() : await fuzz(Number(values.fuzz));
console.log(JSON.stringify(result, null, 2));
agent.destroy();
process.exitCode = result.ok ? 0 : 1;
