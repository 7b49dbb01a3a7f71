/** `t2r translate`: sentences from standard input, one a line, to their translations, in the same order. */
import { UserError } from '@t2r/core';
import type { Translation, Translator } from '@t2r/generation';
import { formatCount } from '@t2r/report';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { createProgress } from '../progress.js';
import { commandRegistry } from '../registry.js';
import { badLine, describeBad, type SentenceLine, sentenceLines } from '../sentence-lines.js';
import type { Terminal } from '../terminal.js';
import { withEngine } from '../with-engine.js';

export interface TranslateCommandOptions {
  beam: number;
  lenpen: number;
  nbest: number;
  /** Tokens of the sources of a batch. */
  batch: number;
  /** Tokens of a source, and of a translation, at most. */
  maxSource: number;
  maxTokens: number;
  skipBad?: boolean;
  engine: string;
  plugin: string[];
  json?: boolean;
}

const INPUT = 'standard input';

/** Translates with the checkpoint at `where`. */
export async function translateCommand(
  where: string,
  options: TranslateCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { err, live, columns, colors } = terminal;
  const { folder, plugins } = await findCheckpoint(where);
  const input = terminal.stdinBytes();
  if (input === undefined)
    throw new UserError('there is nothing to translate', { hint: 'Give sentences on standard input, one a line.' });
  const registry = await commandRegistry([...new Set([...plugins, ...options.plugin])]);
  const { checkpointTranslator } = await import('@t2r/generation');
  const progress = createProgress({ stream: { write: err, columns }, live, colors });
  return withEngine({ registry, engine: options.engine, terminal }, async (engine, signal) => {
    try {
      const translator = await checkpointTranslator(folder, { engine, context: registry, tokens: options.batch });
      const started = performance.now();
      const seconds = () => (performance.now() - started) / 1000;
      const { done, bad } = await translateLines(translator, sentenceLines(input), options, {
        out: terminal.out,
        signal,
        onProgress: (count) => {
          const values = { sentences_per_s: count / seconds() };
          progress.event({ type: 'progress', step: 'translate', done: count, unit: 'sentences', values });
        },
      });
      progress.clear();
      await translator.dispose();
      err(`${formatCount(done)} sentences in ${seconds().toFixed(1)} s, beam ${options.beam}\n`);
      if (bad.length > 0) err(`${describeBad(bad)}\n`);
      return EXIT.ok;
    } finally {
      progress.clear();
    }
  });
}

interface Work {
  out(text: string): void;
  signal: AbortSignal;
  onProgress(done: number): void;
}

/** Writes a result for every line, in order; returns how many were translated, and those that were not. */
async function translateLines(
  translator: Translator,
  lines: AsyncIterable<SentenceLine>,
  { beam, lenpen, nbest, maxSource, maxTokens, skipBad = false, json = false }: TranslateCommandOptions,
  { out, signal, onProgress }: Work,
) {
  const { positions, maxPositions } = translator.model.config;
  const longest = positions === 'learned' ? Math.min(maxSource, maxPositions) : maxSource;
  // Lines that have been read and not been answered yet.
  const waiting: SentenceLine[] = [];
  const bad: SentenceLine[] = [];
  async function* sources() {
    for await (const read of lines) {
      let line = read;
      const ids = line.problem === undefined ? translator.sourceIds(line.text) : undefined;
      if (ids !== undefined && ids.length > longest)
        line = { ...read, problem: `too long: ${ids.length} tokens, and at most ${longest} are read` };
      if (line.problem !== undefined && !skipBad) throw badLine(line, INPUT);
      waiting.push(line);
      if (line.problem === undefined) yield ids!;
    }
  }
  const write = (line: SentenceLine, found: readonly Translation[]) => {
    if (json) {
      const results = found.map(({ text, score, logProb, ids, end }) => ({
        text,
        score,
        logProb,
        tokens: ids.length,
        end,
      }));
      const { number, text, problem } = line;
      out(
        `${JSON.stringify(problem === undefined ? { line: number, source: text, results } : { line: number, error: problem })}\n`,
      );
    } else if (nbest === 1) out(`${oneLine(found[0]?.text)}\n`);
    else for (const { text, score } of found) out(`${line.number}\t${score.toFixed(4)}\t${oneLine(text)}\n`);
  };
  const writeBad = () => {
    for (; waiting[0]?.problem !== undefined; bad.push(waiting.shift()!)) write(waiting[0], []);
  };
  let done = 0;
  const search = { beam, nbest, lengthPenalty: lenpen, maxTokens, signal };
  for await (const found of translator.stream(sources(), search)) {
    writeBad();
    write(waiting.shift()!, found);
    onProgress(++done);
  }
  writeBad();
  return { done, bad };
}

/** A translation is one line, whatever the model wrote. */
const oneLine = (text = '') => text.replace(/[\r\n]+/g, ' ').trim();
