import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { END, openTinyServer, type TinyServer } from './__fixtures__/tiny-server.js';

let tiny: TinyServer;
let clock = 1_000_000;
let openai: OpenAI;
beforeAll(async () => {
  const limits = { bodyBytes: 10_000, maxTokens: 100_000, queue: 6, promptTokens: 200, states: 3, stateMs: 1000 };
  tiny = await openTinyServer({ limits, now: () => clock }, { ahead: 16 });
  openai = new OpenAI({ baseURL: `${tiny.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => tiny.close());

interface Body {
  choices: {
    index: number;
    text: string;
    finish_reason: string;
    state_id?: string;
    logprobs: null | Record<string, unknown[]>;
  }[];
  usage: Record<string, number>;
  state_id?: string;
}
const body = async (request: object) => {
  const response = await tiny.complete(request);
  expect(response.status).toBe(200);
  return (await response.json()) as Body;
};
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe('the official client', () => {
  const request = { model: 'tiny', prompt: 'Once', max_tokens: 24, seed: 5 };

  test('streams what it gets at once, alone or beside others', async () => {
    const whole = await openai.completions.create(request);
    expect(whole.choices[0]!.finish_reason).toMatch(/stop|length/);
    const streamed = async () => {
      let text = '';
      let usage: OpenAI.CompletionUsage | undefined;
      for await (const chunk of await openai.completions.create({
        ...request,
        stream: true,
        stream_options: { include_usage: true },
      })) {
        text += chunk.choices[0]?.text ?? '';
        usage ??= chunk.usage ?? undefined;
      }
      return { text, usage };
    };
    const expected = { text: whole.choices[0]!.text, usage: whole.usage };
    expect(await streamed()).toEqual(expected);
    expect(await Promise.all(Array.from({ length: 5 }, streamed))).toEqual(new Array(5).fill(expected));
  });

  test('lists models, and gets its own errors', async () => {
    expect((await openai.models.list()).data.map(({ id }) => id)).toEqual(['tiny']);
    expect((await openai.models.retrieve('tiny')).object).toBe('model');
    await expect(openai.models.retrieve('other')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(openai.completions.create({ ...request, model: 'other' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    await expect(openai.completions.create({ ...request, temperature: 9 })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
  });
});

test('n, several prompts and seeds: each text is the one that is asked for alone', async () => {
  const common = { max_tokens: 10, ignore_eos: true };
  const several = await body({ ...common, prompt: ['Ab', 'Cd'], n: 2, seed: 3 });
  expect(several.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  for (const [index, [prompt, seed]] of (
    [
      ['Ab', 3],
      ['Ab', 4],
      ['Cd', 3],
      ['Cd', 4],
    ] as const
  ).entries()) {
    const alone = await body({ ...common, prompt, seed });
    expect(several.choices[index]!.text).toBe(alone.choices[0]!.text);
  }
  expect(several.usage).toEqual({ prompt_tokens: 4, completion_tokens: 40, total_tokens: 44 });
});

test('stop strings, echo and log-probabilities', async () => {
  const request = { prompt: 'Hi', max_tokens: 12, temperature: 0, ignore_eos: true };
  const { text } = (await body(request)).choices[0]!;
  const stop = text.slice(4, 6);
  const stopped = (await body({ ...request, stop: [stop, 'never there'] })).choices[0]!;
  expect(stopped).toMatchObject({ text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' });
  const echoed = (await body({ ...request, echo: true, logprobs: 2 })).choices[0]!;
  expect(echoed.text).toBe(`Hi${text}`);
  const { tokens, token_logprobs, top_logprobs, text_offset } = echoed.logprobs!;
  expect([tokens!.length, token_logprobs![0], top_logprobs![0], text_offset!.slice(0, 3)]).toEqual([
    14,
    null,
    null,
    [0, 1, 2],
  ]);
  expect(Object.keys(top_logprobs![3] as object).length).toBeLessThanOrEqual(2);
  const scored = (await body({ prompt: 'Hi', max_tokens: 0, echo: true, logprobs: 0 })).choices[0]!;
  expect(scored).toMatchObject({ text: 'Hi', finish_reason: 'length', logprobs: { tokens: ['H', 'i'] } });
});

test('a state goes on where it was kept, any number of times, until it expires', async () => {
  const common = { seed: 8, ignore_eos: true };
  const whole = await body({ ...common, prompt: 'A document', max_tokens: 20 });
  const read = await body({ ...common, prompt: 'A document', max_tokens: 0, save_state: true });
  for (let i = 0; i < 2; i++) {
    const going = await body({ ...common, state_id: read.state_id, max_tokens: 20 });
    expect(going.choices[0]!.text).toBe(whole.choices[0]!.text);
  }
  const asked = await body({ ...common, state_id: read.state_id, prompt: ' and', max_tokens: 9, save_state: true });
  expect(asked.choices[0]!.text).toBe(
    (await body({ ...common, prompt: 'A document and', max_tokens: 9 })).choices[0]!.text,
  );
  clock += 2000;
  const gone = await tiny.complete({ state_id: asked.state_id });
  expect([gone.status, await gone.json()]).toMatchObject([404, { error: { param: 'state_id', code: 'not_found' } }]);
});

test('a client that leaves frees its slots; a slow one does not hold them', async () => {
  const endless = { prompt: 'x', max_tokens: 100_000, ignore_eos: true, stream: true };
  const leaving = new AbortController();
  const response = await tiny.complete({ ...endless, n: 4 }, { signal: leaving.signal });
  await response.body!.getReader().read();
  expect(tiny.scheduler.figures().active + tiny.scheduler.figures().parked).toBe(4);
  leaving.abort();
  await tiny.idle();
  // A reader that takes nothing: its sequence is parked once the sockets are full.
  const { hostname, port } = new URL(tiny.url);
  const socket = connect(Number(port), hostname);
  const text = JSON.stringify({ ...endless, n: 4 });
  socket.write(
    `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
  );
  socket.pause();
  while (tiny.scheduler.figures().parked < 4) await seconds(0.01);
  expect(tiny.scheduler.figures().active).toBe(0);
  expect((await body({ prompt: 'y', max_tokens: 4, ignore_eos: true })).usage.completion_tokens).toBe(4);
  socket.destroy();
  await tiny.idle();
  expect(await (await fetch(`${tiny.url}/metrics`)).text()).toMatch(/t2r_disconnects_total 2/);
});

test('what does not fit in the queue gets 429', async () => {
  const leaving = new AbortController();
  const request = { prompt: 'x', max_tokens: 100_000, ignore_eos: true, n: 5 };
  const running = [1, 2].map(() => tiny.complete(request, { signal: leaving.signal }).catch(() => 'left'));
  while (tiny.scheduler.figures().waiting < 6) await seconds(0.005);
  const refused = await tiny.complete({ prompt: 'x' });
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'server_busy' } });
  leaving.abort();
  expect(await Promise.all(running)).toEqual(['left', 'left']);
  await tiny.idle();
});

test('mistakes get the status that says whose they are, in the shape of the API', async () => {
  const cases: [unknown, number, string | null][] = [
    ['{', 400, null],
    ['', 400, null],
    ['[]', 400, null],
    [{ prompt: 7 }, 400, 'prompt'],
    [{ prompt: [END + 1] }, 400, 'prompt'],
    [{ prompt: 'x'.repeat(201) }, 400, 'prompt'],
    [{ prompt: 'x'.repeat(20_000) }, 413, null],
    [{ max_tokens: -1 }, 400, 'max_tokens'],
    [{ max_tokens: 1e9 }, 400, 'max_tokens'],
    [{ n: 17 }, 400, 'n'],
    [{ best_of: 2 }, 400, 'best_of'],
    [{ presence_penalty: 1 }, 400, 'presence_penalty'],
    [{ state_id: 'none' }, 404, 'state_id'],
    [{ unknown: 1 }, 400, null],
  ];
  for (const [request, status, param] of cases) {
    const response = await tiny.complete(request);
    expect([request, response.status]).toEqual([request, status]);
    expect(await response.json()).toMatchObject({
      error: { message: expect.any(String), type: 'invalid_request_error', param },
    });
  }
  expect((await tiny.complete('prompt=x', { headers: { 'content-type': 'text/csv' } })).status).toBe(415);
  expect((await fetch(`${tiny.url}/v1/completions`)).status).toBe(404);
  expect((await fetch(`${tiny.url}/v1/chat/completions`, { method: 'POST' })).status).toBe(404);
});

test('with a token, only those who have it come in; health is open', async () => {
  const guarded = await openTinyServer({ token: 'secret' });
  const get = (path: string, authorization?: string) =>
    fetch(`${guarded.url}${path}`, { headers: authorization ? { authorization } : {} }).then(({ status }) => status);
  expect(await get('/health')).toBe(200);
  for (const wrong of [undefined, 'Bearer', 'Bearer secre', 'Bearer secrets', 'Basic secret'])
    expect(await get('/v1/models', wrong)).toBe(401);
  expect([await get('/v1/models', 'Bearer secret'), await get('/metrics')]).toEqual([200, 401]);
  expect((await guarded.complete({ prompt: 'x' })).status).toBe(401);
  await guarded.close();
});

test('a shutdown lets streams end and begins nothing new', async () => {
  const ending = await openTinyServer();
  const stream = await ending.complete({ prompt: 'x', max_tokens: 400, ignore_eos: true, stream: true });
  const closing = ending.server.close({ withinMs: 20_000 });
  const refused = await ending.complete({ prompt: 'x' });
  expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'shutting_down' } }]);
  expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
  expect(await closing).toBe(0);
  await expect(ending.complete({ prompt: 'x' })).rejects.toThrow();
  const { active, waiting, parked } = ending.scheduler.figures();
  expect([active, waiting, parked]).toEqual([0, 0, 0]);
  await ending.scheduler.dispose();
});
