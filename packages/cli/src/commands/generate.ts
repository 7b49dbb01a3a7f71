/** `t2r generate`: text from a checkpoint, streamed to stdout as it is made; figures go to stderr. */
import { createRegistry, UserError } from '@t2r/core';
import { formatBytes, formatCount } from '@t2r/report';
import { loadBuiltinPlugins } from '../builtin-plugins.js';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { listenForSignals } from '../signals.js';
import type { Terminal } from '../terminal.js';

export interface GenerateCommandOptions {
  prompt?: string;
  tokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  engine: string;
  json?: boolean;
}

/** Generates from `where`: a checkpoint folder, a run folder (its last checkpoint), or `<run folder>:<step>`. */
export async function generateCommand(
  where: string,
  { engine: engineName, prompt: given, tokens: maxTokens, json = false, ...sampling }: GenerateCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  const folder = await findCheckpoint(where);
  const prompt = given ?? (await terminal.stdin());
  if (prompt === undefined) {
    throw new UserError('there is no prompt', { hint: 'Give one with --prompt, or on standard input.' });
  }
  const registry = createRegistry(await loadBuiltinPlugins());
  const { checkpointGenerator } = await import('@t2r/generation');
  const interruption = listenForSignals(terminal, 'stopping; once more exits at once.');
  const engine = await registry.create('engine', engineName).open();
  try {
    const generator = await checkpointGenerator(folder, { engine, context: registry });
    const { temperature, topK, topP, seed } = sampling;
    const options = { maxTokens, temperature, topK, topP, seed, signal: interruption.signal };
    const times: number[] = [];
    let text = '';
    for await (const piece of generator.generateText(prompt, options)) {
      times.push(performance.now());
      text += piece;
      if (!json) out(piece);
    }
    const promptTokens = generator.tokenizer!.encode(prompt).length;
    const tokens = Math.max(0, generator.position - Math.max(1, promptTokens) + 1);
    const tokensPerSecond = speedOf(times, tokens);
    const stateBytes = generator.stateBytes();
    const { recurrent } = generator.model;
    await generator.dispose();
    if (json) {
      out(
        `${JSON.stringify({ prompt, text, promptTokens, tokens, tokensPerSecond, stateBytes, recurrent }, null, 2)}\n`,
      );
      return EXIT.ok;
    }
    const figures = [
      `${formatCount(tokens)} tokens`,
      `${formatCount(tokensPerSecond)} tokens/s`,
      `state ${formatBytes(stateBytes)}, ${recurrent ? 'of fixed size' : 'growing with the text'}`,
    ];
    out('\n');
    err(`${figures.join(', ')}\n`);
    return EXIT.ok;
  } catch (error) {
    const code = interruption.exitCode();
    if (code !== undefined) return code;
    throw error;
  } finally {
    interruption.release();
    await engine.dispose();
  }
}

/**
 * Tokens per second from the times (ms) at which pieces of text came; a piece may hold several tokens. The first piece waits
 * for the prompt and the second for the step to be compiled, so the clock starts there.
 */
function speedOf(times: readonly number[], tokens: number): number | undefined {
  if (times.length < 3) return undefined;
  const seconds = (times.at(-1)! - times[1]!) / 1000;
  return ((times.length - 2) / seconds) * (tokens / times.length);
}
