/** The HTTP server: routes, errors, and the way from start to shutdown. */
import { UserError } from '@t2r/core';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { streamAnswer, wholeAnswer } from './answer.js';
import { ApiError, errorBody } from './api-error.js';
import { createTokenCheck } from './auth.js';
import { beginCompletion, type CompletionContext } from './completion.js';
import { createMetrics, type ServerMetrics } from './metrics.js';
import { DEFAULT_LIMITS, type ServerOptions } from './options.js';
import { parseRequest } from './request.js';
import { createStateStore } from './states.js';

export interface CompletionServer {
  /** Begins to listen; returns the address, http://host:port. Port 0 takes a free one. */
  listen(options: { host: string; port: number }): Promise<string>;
  /**
   * Refuses new requests, lets running ones end within the time, then closes all connections. Returns how many were cut off.
   */
  close(options?: { withinMs?: number }): Promise<number>;
  /** Requests that are being answered. */
  readonly running: number;
}

/** Fastify's own errors and others, as clients are told them. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UserError) return new ApiError(400, error.message);
  const { statusCode = 500, message } = error as Partial<FastifyError>;
  // What went wrong inside is nobody else's business.
  return statusCode < 500 ? new ApiError(statusCode, message!) : new ApiError(500, 'internal error');
}

/** Creates a server for a scheduler with a tokenizer; the scheduler stays the caller's to dispose. */
export function createCompletionServer(options: ServerOptions): CompletionServer {
  const { scheduler, model, token, now = Date.now } = options;
  const { tokenizer } = scheduler;
  if (tokenizer === undefined) {
    throw new UserError('this model has no tokenizer, so it cannot be served', {
      hint: 'Put a tokenizer.json into the checkpoint folder.',
    });
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const states = createStateStore({ most: limits.states, keptMs: limits.stateMs, now });
  const metrics = createMetrics(scheduler, states);
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 200 },
    logger: false,
    // Addresses that are not well-formed do not get as far as the handlers below.
    frameworkErrors: (error, _request, reply) => void sendError(reply as FastifyReply, toApiError(error)),
  });
  const served: Served = { context: { scheduler, tokenizer, model, limits, states, now }, metrics, running: new Set() };
  let draining = false;

  app.addHook('onRequest', async () => {
    if (draining) throw new ApiError(503, 'the server is shutting down', { code: 'shutting_down', retryAfter: 5 });
  });
  app.addHook('onResponse', async ({ routeOptions }, { statusCode }) => {
    metrics.requests.inc({ route: routeOptions.url ?? 'none', status: String(statusCode) });
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, toApiError(error)));
  app.setNotFoundHandler(({ method, url }, reply) =>
    sendError(
      reply,
      new ApiError(404, `there is no ${method} ${url.split('?')[0]!.slice(0, 200)}`, { code: 'unknown_url' }),
    ),
  );
  const guards = token === undefined ? [] : [tokenGuard(token)];
  app.get('/health', async () => ({ status: 'ok', model, ...scheduler.figures() }));
  app.get('/metrics', { onRequest: guards }, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
  addModels(app, model, Math.floor(now() / 1000), guards);
  app.post('/v1/completions', { onRequest: guards }, (request, reply) => complete(served, request, reply));

  return {
    listen: ({ host, port }) => app.listen({ host, port }),
    get running() {
      return served.running.size;
    },
    async close({ withinMs = 30_000 } = {}) {
      draining = true;
      const end = Date.now() + withinMs;
      while (served.running.size > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      const cut = served.running.size;
      for (const cancel of served.running) cancel();
      await app.close();
      return cut;
    },
  };
}

function sendError(reply: FastifyReply, error: ApiError): FastifyReply {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  if (error.status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(error.status).send(errorBody(error));
}

function tokenGuard(token: string) {
  const fits = createTokenCheck(token);
  return async ({ headers }: FastifyRequest) => {
    if (!fits(headers.authorization)) {
      throw new ApiError(401, 'a bearer token is needed, and this is not it', { code: 'invalid_api_key' });
    }
  };
}

function addModels(app: FastifyInstance, model: string, created: number, onRequest: ReturnType<typeof tokenGuard>[]) {
  const entry = { id: model, object: 'model', created, owned_by: 't2r' };
  app.get('/v1/models', { onRequest }, async () => ({ object: 'list', data: [entry] }));
  app.get<{ Params: { '*': string } }>('/v1/models/*', { onRequest }, async ({ params }) => {
    if (params['*'] === model) return entry;
    throw new ApiError(404, `the model does not exist; this is '${model}'`, {
      param: 'model',
      code: 'model_not_found',
    });
  });
}

interface Served {
  context: CompletionContext;
  metrics: ServerMetrics;
  /** What cancels each request that is being answered. */
  running: Set<() => void>;
}

/** Answers a completion request. */
async function complete({ context, metrics, running }: Served, request: FastifyRequest, reply: FastifyReply) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const parsed = parseRequest(request.body);
  const completion = beginCompletion(parsed, context);
  const { raw } = reply;
  metrics.promptTokens.inc(completion.promptTokens);
  const cancel = () => {
    for (const { sequence } of completion.choices) sequence.cancel();
  };
  running.add(cancel);
  let finished = false;
  const onClose = () => {
    if (finished) return;
    metrics.disconnects.inc();
    cancel();
  };
  raw.on('close', onClose);
  let first = true;
  const onToken = () => {
    if (first) metrics.firstToken.observe(seconds());
    first = false;
    metrics.newTokens.inc();
  };
  try {
    if (!parsed.stream) {
      const body = await wholeAnswer(completion, context.states, { onToken });
      finished = true;
      return body;
    }
    reply.hijack();
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      connection: 'keep-alive',
      'x-accel-buffering': 'no',
    });
    const { states, limits } = context;
    const usage = parsed.stream_options?.include_usage === true;
    await streamAnswer(completion, raw, { states, usage, readerMs: limits.readerMs, onToken });
    finished = true;
    metrics.requests.inc({ route: '/v1/completions', status: '200' });
    return reply;
  } catch (error) {
    cancel();
    if (!parsed.stream) throw error;
    // The head is out: the client learns of it in the stream, if it is still there.
    if (!raw.destroyed) raw.end(`data: ${JSON.stringify(errorBody(toApiError(error)))}\n\n`);
    return reply;
  } finally {
    running.delete(cancel);
    metrics.duration.observe(seconds());
    raw.off('close', onClose);
  }
}
