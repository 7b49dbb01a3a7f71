/** `t2r generate`: text from a checkpoint, streamed to stdout as it is made; figures go to stderr. */
import { UserError } from '@t2r/core';
import { formatBytes, formatCount } from '@t2r/report';
import type { Tokenizer } from '@t2r/tokenizers';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';
import { weightFormat } from '../weight-format.js';
import { withEngine } from '../with-engine.js';

export interface GenerateCommandOptions {
  /** One, or none: it comes on standard input then. */
  prompt: string[];
  tokens: number;
  temperature: number;
  topK?: number;
  topP?: number;
  seed: number;
  engine: string;
  /** How weights are stored. */
  dtype: string;
  /** File that the state after the prompt is written to. */
  saveState?: string;
  /** File of a state that the prompt follows. */
  fromState?: string;
  /** Plugins besides those of the run that the checkpoint is named by. */
  plugin: string[];
  json?: boolean;
}

/** Generates from `where`: a checkpoint folder, a run folder (its last checkpoint), or `<run folder>:<step>`. */
export async function generateCommand(
  where: string,
  {
    engine: engineName,
    dtype,
    prompt: given,
    tokens: maxTokens,
    plugin,
    json = false,
    saveState,
    fromState,
    ...sampling
  }: GenerateCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  const weights = weightFormat(dtype);
  const { folder, plugins } = await findCheckpoint(where);
  if (given.length > 1) {
    throw new UserError(`${given.length} prompts are given; text is drawn for one`, {
      hint: 'Several prompts are for --beam.',
    });
  }
  // A state can go on by itself.
  const prompt = given[0] ?? (fromState === undefined ? await terminal.stdin() : '');
  if (prompt === undefined) {
    throw new UserError('there is no prompt', { hint: 'Give one with --prompt, or on standard input.' });
  }
  const registry = await commandRegistry([...new Set([...plugins, ...plugin])]);
  const { checkpointGenerator, readPrompt, readStateFile, writeStateFile } = await import('@t2r/generation');
  return withEngine({ registry, engine: engineName, terminal }, async (engine, signal) => {
    const generator = await checkpointGenerator(folder, { engine, context: registry, dtype: weights });
    const { temperature, topK, topP, seed } = sampling;
    const times: number[] = [];
    const onToken = () => void times.push(performance.now());
    const loaded = fromState === undefined ? undefined : await readStateFile(fromState, generator);
    const promptTokens = requireTokenizer(generator.tokenizer).encode(prompt).length;
    const kept = saveState && (await readPrompt(generator, generator.tokenizer!.encode(prompt), loaded));
    if (saveState && kept) {
      const bytes = await writeStateFile(saveState, kept, generator);
      const positions = kept.position + kept.pending!.length;
      err(`${saveState}: state after ${formatCount(positions)} tokens, ${formatBytes(bytes)}\n`);
    }
    const options = { maxTokens, temperature, topK, topP, seed, onToken, signal, from: kept || loaded };
    let text = '';
    const pieces = generator.generateText(kept ? '' : prompt, options);
    let piece = await pieces.next();
    for (; !piece.done; piece = await pieces.next()) {
      text += piece.value;
      if (!json) out(piece.value);
    }
    const stop = piece.value;
    const tokens = times.length;
    const tokensPerSecond = speedOf(times);
    const stateBytes = generator.stateBytes();
    const { recurrent } = generator.model;
    await generator.dispose();
    if (json) {
      const figures = { promptTokens, tokens, stop, tokensPerSecond, stateBytes, recurrent };
      out(`${JSON.stringify({ prompt, text, ...figures }, null, 2)}\n`);
      return EXIT.ok;
    }
    const figures = [
      `${formatCount(tokens)} tokens`,
      `${formatCount(tokensPerSecond)} tokens/s`,
      `state ${formatBytes(stateBytes)}, ${recurrent ? 'of fixed size' : 'growing with the text'}`,
    ];
    out('\n');
    err(`${figures.join(', ')}\n`);
    if (stop === 'max-positions') err(`stopped at the model's last learned position, ${generator.maxPositions - 1}\n`);
    return EXIT.ok;
  });
}

function requireTokenizer(tokenizer: Tokenizer | undefined): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new UserError('this model has no tokenizer, so it cannot generate text', {
    hint: 'Put a tokenizer.json into the checkpoint folder.',
  });
}

/**
 * Tokens per second from the times (ms) at which tokens came. The first waits for the prompt and the second for the step to
 * be compiled, so the clock starts there.
 */
function speedOf(times: readonly number[]): number | undefined {
  if (times.length < 3) return undefined;
  return ((times.length - 2) * 1000) / (times.at(-1)! - times[1]!);
}
