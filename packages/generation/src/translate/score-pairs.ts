/** Log-probabilities of given translations. */
import { UserError } from '@t2r/core';
import type { CompiledProgram, Engine } from '@t2r/engine';
import { paddedLength } from '../search/translation-model.js';
import type { Translator } from './translator.js';

/** A source as the encoder reads it, and the target's tokens without what stands before and after them. */
export interface ScoredPair {
  source: ArrayLike<number>;
  target: ArrayLike<number>;
}

export interface PairScore {
  /** Sum of the log-probabilities (natural) of the target's tokens and its end token. */
  logProb: number;
  /** Those tokens. */
  tokens: number;
}

export interface PairScorer {
  /** Scores in the order of the pairs. */
  score(pairs: readonly ScoredPair[]): Promise<PairScore[]>;
  dispose(): Promise<void>;
}

/** Pairs of a batch. */
const ROWS = 16;

/** Opens a scorer; programs are compiled for padded lengths when first used. */
export function createPairScorer(engine: Engine, { model, tokens, weights }: Translator): PairScorer {
  const { positions, maxPositions } = model.config;
  const longest = positions === 'learned' ? maxPositions : Number.POSITIVE_INFINITY;
  const variables = engine.variables(weights);
  const programs = new Map<number, CompiledProgram>();

  async function programFor(length: number): Promise<CompiledProgram> {
    const known = programs.get(length);
    if (known !== undefined) return known;
    const shape = [ROWS, length];
    const ids = { shape, dtype: 'int32' as const };
    const program = await engine.compile({
      name: 'score-pairs',
      inputs: { source: ids, mask: { shape }, inputs: ids, targets: ids },
      variables,
      memoryPattern: false,
      program: ({ source, mask, inputs, targets }, parameters) => {
        const memory = model.encode(source!, mask!, parameters); // [ROWS, length, dim]
        const encoded = { memory, mask: mask! };
        return { outputs: { nll: model.negativeLogLikelihood(inputs!, targets!, encoded, parameters) } };
      },
    });
    programs.set(length, program);
    return program;
  }

  async function scoreBatch(pairs: readonly ScoredPair[]): Promise<PairScore[]> {
    const most = Math.max(...pairs.map(({ source, target }) => Math.max(source.length, target.length + 1)));
    if (most > longest)
      throw new UserError(`a sentence of ${most} tokens is longer than the model's ${longest} positions`, {
        hint: 'Shorten or split it.',
      });
    const length = Math.min(paddedLength(most), longest);
    const size = ROWS * length;
    const source = new Int32Array(size).fill(tokens.padding);
    const mask = new Float32Array(size);
    const inputs = new Int32Array(size).fill(tokens.padding);
    const targets = new Int32Array(size).fill(tokens.padding);
    for (let row = 0; row < ROWS; row++) {
      // Rows without a pair read one token, so that there is something to attend to.
      const pair = pairs[row] ?? { source: [tokens.end], target: [] };
      const at = row * length;
      source.set(Array.from(pair.source), at);
      mask.fill(1, at, at + pair.source.length);
      inputs.set([tokens.start, ...Array.from(pair.target)], at);
      targets.set([...Array.from(pair.target), tokens.end], at);
    }
    const { nll } = await (await programFor(length)).run({ source, mask, inputs, targets });
    return pairs.map(({ target }, row) => {
      const count = target.length + 1;
      const losses = (nll as Float32Array).subarray(row * length, row * length + count);
      return { logProb: -losses.reduce((sum, loss) => sum + loss, 0), tokens: count };
    });
  }

  return {
    async score(pairs) {
      const lengthOf = (i: number) => Math.max(pairs[i]!.source.length, pairs[i]!.target.length);
      const order = pairs.map((_, i) => i).sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
      const scores = new Array<PairScore>(pairs.length);
      for (let first = 0; first < order.length; first += ROWS) {
        const members = order.slice(first, first + ROWS);
        const found = await scoreBatch(members.map((i) => pairs[i]!));
        members.forEach((i, row) => {
          scores[i] = found[row]!;
        });
      }
      return scores;
    },
    async dispose() {
      for (const program of programs.values()) await program.dispose();
      variables.dispose();
    },
  };
}
