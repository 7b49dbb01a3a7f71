/** `t2r serve`: completions of a checkpoint over HTTP, until a signal comes; then what runs is ended and nothing new begun. */
import { UserError } from '@t2r/core';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';
import { weightFormat } from '../weight-format.js';
import { withEngine } from '../with-engine.js';

export interface ServeCommandOptions {
  host: string;
  port: number;
  token?: string;
  name?: string;
  batch: number;
  maxTokens: number;
  queue: number;
  /** Seconds. */
  drain: number;
  engine: string;
  /** How weights are stored. */
  dtype: string;
  plugin: string[];
  json?: boolean;
}

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Serves the checkpoint at `where` until SIGINT or SIGTERM. */
export async function serveCommand(
  where: string,
  {
    host,
    port,
    name = where,
    batch,
    maxTokens,
    queue,
    drain,
    engine: engineName,
    dtype: format,
    plugin,
    json,
    ...rest
  }: ServeCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  const token = rest.token ?? (process.env.T2R_TOKEN || undefined);
  if (port > 65_535) throw new UserError(`there is no port ${port}`, { hint: 'Ports go up to 65535.' });
  const dtype = weightFormat(format);
  const { folder, plugins } = await findCheckpoint(where);
  const registry = await commandRegistry([...new Set([...plugins, ...plugin])]);
  const [{ checkpointScheduler }, { createCompletionServer }] = await Promise.all([
    import('@t2r/generation'),
    import('@t2r/server'),
  ]);
  return withEngine({ registry, engine: engineName, terminal }, async (engine, signal) => {
    const scheduler = await checkpointScheduler(folder, { engine, context: registry, batch, dtype });
    const server = createCompletionServer({ scheduler, model: name, token, limits: { maxTokens, queue } });
    const address = await listen(server, { host, port });
    if (json) out(`${JSON.stringify({ address, model: name, batch, dtype, sizes: scheduler.sizes })}\n`);
    else out(`${name} at ${address}/v1/completions, ${batch} sequences side by side; Ctrl-C ends it.\n`);
    if (!LOOPBACK.test(host) && token === undefined)
      err('anyone who can reach this address can use it: there is no --token\n');
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const cut = await server.close({ withinMs: 1000 * drain });
    if (cut > 0) err(`${cut} requests were cut off after ${drain} seconds\n`);
    await scheduler.dispose();
    return EXIT.ok;
  });
}

async function listen(
  server: { listen(options: { host: string; port: number }): Promise<string> },
  options: { host: string; port: number },
): Promise<string> {
  try {
    return await server.listen(options);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new UserError(`cannot listen on ${options.host}:${options.port}: ${message}`, {
      hint: 'Choose another --port or --host.',
      cause,
    });
  }
}
