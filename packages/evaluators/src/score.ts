/** Summing the negative log-likelihood of a text over evaluation windows with one compiled program. */
import { type DocumentRange, type EvaluationWindow, evaluationWindows, type TokenReader } from '@t2r/datasets';
import type { CompiledProgram, Engine, Variables } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';

/** Shape of the scoring program: [batch, window]. */
export interface ScoringShape {
  batch: number;
  window: number;
}

/**
 * Compiles -log p of every target: inputs `ids` and `targets` [batch, window], output `nll` [batch, window]. The weights
 * are variables, so that models of the same structure share the program.
 */
export function compileScoring(
  engine: Engine,
  model: LanguageModel,
  variables: Variables,
  { batch, window }: ScoringShape,
): Promise<CompiledProgram> {
  const spec = { shape: [batch, window], dtype: 'int32' as const };
  return engine.compile({
    name: 'negative-log-likelihood',
    inputs: { ids: spec, targets: spec },
    variables,
    program: ({ ids, targets }, parameters) => ({
      outputs: { nll: model.negativeLogLikelihood(ids!, targets!, parameters) },
    }),
  });
}

export interface ScoreOptions extends ScoringShape {
  stride: number;
  /** Scored each on its own. Default: all ids as one. */
  documents?: readonly DocumentRange[];
  signal?: AbortSignal;
  /** Called after each batch with the tokens scored so far. */
  onProgress?: (scored: number) => void;
}

export interface Score {
  /** Sum of -log p over the scored tokens, in float64. */
  nats: number;
  scored: number;
  /** Fewest and most tokens that a scored token was predicted from. */
  context: { min: number; max: number };
}

/** Scores every token but the first (of each document) once. Windows that end before the program's shape are padded on the right and masked. */
export async function scoreTokens(
  program: Pick<CompiledProgram, 'run'>,
  tokens: TokenReader,
  { batch, window, stride, documents = [{ start: 0, length: tokens.length }], signal, onProgress }: ScoreOptions,
): Promise<Score> {
  const windows = documents.flatMap(({ start: begin, length }) =>
    evaluationWindows(length, { window, stride }).map((one) => ({ ...one, start: begin + one.start })),
  );
  const ids = new Int32Array(batch * window);
  const targets = new Int32Array(batch * window);
  const score: Score = { nats: 0, scored: 0, context: { min: Number.POSITIVE_INFINITY, max: 0 } };
  for (let first = 0; first < windows.length; first += batch) {
    signal?.throwIfAborted();
    const rows: EvaluationWindow[] = windows.slice(first, first + batch);
    ids.fill(0);
    targets.fill(0);
    for (const [row, { start, count }] of rows.entries()) {
      tokens.read(start, count, ids, row * window);
      tokens.read(start + 1, count, targets, row * window);
    }
    const { nll } = await program.run({ ids, targets });
    for (const [row, { count, scoreFrom }] of rows.entries()) {
      for (let i = scoreFrom; i < count; i++) score.nats += nll![row * window + i]!;
      score.scored += count - scoreFrom;
      // The prediction at position i has seen i + 1 tokens.
      score.context.min = Math.min(score.context.min, scoreFrom + 1);
      score.context.max = Math.max(score.context.max, count);
    }
    onProgress?.(score.scored);
  }
  return score;
}
