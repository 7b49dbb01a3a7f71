/** `t2r generate --beam`: the likeliest texts, found by beam search; several prompts are searched together. */
import { UserError } from '@t2r/core';
import { formatCount } from '@t2r/report';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';
import { withEngine } from '../with-engine.js';
import type { GenerateCommandOptions } from './generate.js';

export interface BeamCommandOptions
  extends Pick<
    GenerateCommandOptions,
    'prompt' | 'tokens' | 'engine' | 'dtype' | 'plugin' | 'json' | 'saveState' | 'fromState'
  > {
  beam: number;
  nbest: number;
  lengthPenalty: number;
  noRepeatNgram: number;
}

/** Searches the best texts after each prompt in the checkpoint at `where`. */
export async function generateBeamCommand(
  where: string,
  { engine: engineName, prompt: given, tokens, plugin, json = false, dtype, ...options }: BeamCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err } = terminal;
  if (options.saveState !== undefined || options.fromState !== undefined) {
    throw new UserError('--beam begins with a text: it neither saves states nor goes on from them', {
      hint: 'Leave out --beam.',
    });
  }
  if (dtype !== 'fp32')
    throw new UserError(`--beam searches with weights in fp32, not ${dtype}`, {
      hint: 'Leave out --dtype, or --beam.',
    });
  const { folder, plugins } = await findCheckpoint(where);
  const read = given.length > 0 ? given : [await terminal.stdin()];
  const prompts = read.filter((prompt) => prompt !== undefined);
  if (prompts.length === 0) {
    throw new UserError('there is no prompt', { hint: 'Give one with --prompt, or on standard input.' });
  }
  const { checkpointSearch } = await import('@t2r/generation');
  const registry = await commandRegistry([...new Set([...plugins, ...plugin])]);
  return withEngine({ registry, engine: engineName, terminal }, async (engine, signal) => {
    const search = await checkpointSearch(folder, { engine, context: registry });
    const started = performance.now();
    const found = await search.search(prompts, { ...options, maxTokens: tokens, signal });
    const seconds = (performance.now() - started) / 1000;
    await search.dispose();
    if (json) {
      const results = found.map((hypotheses, i) => ({
        prompt: prompts[i],
        results: hypotheses.map(({ text, score, logProb, ids, end }) => ({
          text,
          score,
          logProb,
          tokens: ids.length,
          end,
        })),
      }));
      out(`${JSON.stringify(results, null, 2)}\n`);
      return EXIT.ok;
    }
    for (const hypotheses of found) {
      for (const { text, score } of hypotheses) out(options.nbest > 1 ? `${score.toFixed(4)}\t${text}\n` : `${text}\n`);
    }
    const made = found.reduce((sum, [best]) => sum + (best?.ids.length ?? 0), 0);
    err(`${formatCount(made)} tokens of the best in ${seconds.toFixed(1)} s, beam ${options.beam}\n`);
    return EXIT.ok;
  });
}
