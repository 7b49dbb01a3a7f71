/** What commands that compute share: an engine while they work, and an end by signal. */
import type { Registry } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { listenForSignals } from './signals.js';
import type { Terminal } from './terminal.js';

export interface WithEngineOptions {
  registry: Registry;
  /** Component name of the engine. */
  engine: string;
  terminal: Terminal;
}

/**
 * Opens an engine, works with it and closes it again.
 *
 * @param work gets the signal that SIGINT and SIGTERM abort, and returns an exit code
 * @returns that, or the code of the signal that ended the work
 */
export async function withEngine(
  { registry, engine: name, terminal }: WithEngineOptions,
  work: (engine: Engine, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const interruption = listenForSignals(terminal, 'stopping; once more exits at once.');
  try {
    const engine = await registry.create('engine', name).open();
    try {
      return await work(engine, interruption.signal);
    } finally {
      await engine.dispose();
    }
  } catch (error) {
    const code = interruption.exitCode();
    if (code !== undefined) return code;
    throw error;
  } finally {
    interruption.release();
  }
}
