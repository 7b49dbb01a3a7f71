/** `t2r score`: log-probabilities of given translations. BLEU and its like are the command of the package sacrebleu-ts. */
import { createReadStream } from 'node:fs';
import { UserError } from '@t2r/core';
import type { ScoredPair, Translator } from '@t2r/generation';
import { formatCount, formatNumber } from '@t2r/report';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { commandRegistry } from '../registry.js';
import { badLine, describeBad, type SentenceLine, sentenceLines } from '../sentence-lines.js';
import type { Terminal } from '../terminal.js';
import { withEngine } from '../with-engine.js';

export interface ScoreCommandOptions {
  /** Files of sentences, one a line. */
  source: string;
  target: string;
  skipBad?: boolean;
  engine: string;
  plugin: string[];
  json?: boolean;
}

/** Pairs that are scored together, so that long ones meet long ones. */
const WINDOW = 1024;

/** A pair of lines, or what is wrong with one of them. */
interface LinePair {
  source: SentenceLine;
  target: SentenceLine;
}

async function* readPairs({ source, target }: ScoreCommandOptions): AsyncGenerator<LinePair> {
  const streams = [source, target].map((path) => sentenceLines(bytesOf(path)));
  for (let number = 1; ; number++) {
    const [a, b] = await Promise.all(streams.map((stream) => stream.next()));
    if (a!.done && b!.done) return;
    if (a!.done || b!.done)
      throw new UserError(`${a!.done ? source : target} ends before line ${number}, and the other file goes on`, {
        hint: 'Line n of one file has to translate line n of the other.',
      });
    yield { source: a!.value, target: b!.value };
  }
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Scores with the checkpoint at `where`. */
export async function scoreCommand(where: string, options: ScoreCommandOptions, terminal: Terminal): Promise<number> {
  const { folder, plugins } = await findCheckpoint(where);
  const registry = await commandRegistry([...new Set([...plugins, ...options.plugin])]);
  const { checkpointTranslator, createPairScorer } = await import('@t2r/generation');
  return withEngine({ registry, engine: options.engine, terminal }, async (engine, signal) => {
    const translator = await checkpointTranslator(folder, { engine, context: registry });
    const scorer = createPairScorer(engine, translator);
    const total = { logProb: 0, tokens: 0, pairs: 0 };
    const bad: SentenceLine[] = [];
    let window: LinePair[] = [];
    const flush = async () => {
      const good = window.filter((pair) => problemOf(pair) === undefined);
      const scores = await scorer.score(good.map((pair) => idsOf(translator, pair)));
      const byPair = new Map(good.map((pair, i) => [pair, scores[i]!]));
      for (const pair of window) {
        const score = byPair.get(pair);
        const line = pair.source.number;
        if (score === undefined) {
          terminal.out(options.json ? `${JSON.stringify({ line, error: problemOf(pair) })}\n` : '\n');
          continue;
        }
        total.logProb += score.logProb;
        total.tokens += score.tokens;
        total.pairs += 1;
        terminal.out(
          options.json ? `${JSON.stringify({ line, ...score })}\n` : `${score.logProb.toFixed(4)}\t${score.tokens}\n`,
        );
      }
      window = [];
    };
    for await (const pair of readPairs(options)) {
      signal.throwIfAborted();
      const side = pair.source.problem !== undefined ? 'source' : 'target';
      if (problemOf(pair) !== undefined) {
        if (!options.skipBad) throw badLine(pair[side], options[side]);
        bad.push(pair[side]);
      }
      window.push(pair);
      if (window.length >= WINDOW) await flush();
    }
    await flush();
    await scorer.dispose();
    await translator.dispose();
    const perplexity = Math.exp(-total.logProb / Math.max(1, total.tokens));
    const figures = `${formatCount(total.pairs)} pairs, ${formatCount(total.tokens)} tokens, log-probability ${formatNumber(total.logProb)}`;
    terminal.err(`${figures}, perplexity ${formatNumber(perplexity)} a token\n`);
    if (bad.length > 0) terminal.err(`${describeBad(bad)}\n`);
    return EXIT.ok;
  });
}

const problemOf = ({ source, target }: LinePair) => source.problem ?? target.problem;

const idsOf = ({ sourceIds, tokenizer }: Translator, { source, target }: LinePair): ScoredPair => ({
  source: sourceIds(source.text),
  target: tokenizer.encode(target.text),
});
