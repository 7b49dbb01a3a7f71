/** `t2r generate`: text from a checkpoint, streamed to stdout as it is made; figures go to stderr. */
import { type ComponentSpec, createRegistry, UserError } from '@t2r/core';
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
  options: GenerateCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  const prompt = options.prompt ?? (await terminal.stdin());
  if (prompt === undefined)
    throw new UserError('there is no prompt', { hint: 'Give one with --prompt, or on standard input.' });
  const folder = await findCheckpoint(where);
  const registry = createRegistry(await loadBuiltinPlugins());
  const [{ loadCheckpoint }, { createDecoderLm }, { loadTokenizer }, { createGenerator }] = await Promise.all([
    import('@t2r/zoo'),
    import('@t2r/models'),
    import('@t2r/tokenizers'),
    import('@t2r/generation'),
  ]);
  const context = { create: registry.create };
  const checkpoint = await loadCheckpoint(folder, {
    parameters: (config) => createDecoderLm(config, context).parameters(),
  });
  if (checkpoint.tokenizer === undefined)
    throw new UserError(`${folder} has no tokenizer.json`, {
      hint: 'Copy the tokenizer the model was trained with there.',
    });
  const model = createDecoderLm(checkpoint.config.model, context);
  const tokenizer = await loadTokenizer(checkpoint.tokenizer);
  const engine = await registry.create('engine', options.engine satisfies string as ComponentSpec | string).open();
  const interruption = listenForSignals(terminal, 'stopping.');
  try {
    const generator = createGenerator({ model, weights: checkpoint.weights, tokenizer, engine });
    const { tokens: maxTokens, temperature, topK, topP, seed } = options;
    const started = performance.now();
    let firstAt: number | undefined;
    let text = '';
    for await (const piece of generator.generateText(prompt, {
      maxTokens,
      temperature,
      topK,
      topP,
      seed,
      signal: interruption.signal,
    })) {
      firstAt ??= performance.now();
      text += piece;
      if (!options.json) out(piece);
    }
    const promptTokens = Math.max(1, tokenizer.encode(prompt).length);
    const tokens = generator.position - promptTokens;
    const seconds = (performance.now() - (firstAt ?? started)) / 1000;
    const tokensPerSecond = tokens > 0 && seconds > 0 ? tokens / seconds : 0;
    const stateBytes = generator.stateBytes();
    if (options.json) {
      out(
        `${JSON.stringify({ prompt, text, promptTokens, tokens, tokensPerSecond, stateBytes, recurrent: model.recurrent }, null, 2)}\n`,
      );
    } else {
      out('\n');
      const kind = model.recurrent ? 'fixed' : 'growing';
      err(
        `${formatCount(tokens)} tokens, ${formatCount(tokensPerSecond)} tokens/s, state ${formatBytes(stateBytes)} (${kind})\n`,
      );
    }
    await generator.dispose();
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
