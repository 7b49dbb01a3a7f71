/** An encoder-decoder model, for beam search. */
import { UserError } from '@t2r/core';
import type { CompiledProgram, Engine, HostTensor } from '@t2r/engine';
import type { TranslationModel, TranslationTokens, Weights } from '@t2r/models';
import { batchSize } from './batch-size.js';
import type { SearchModel } from './model.js';
import { createProgramStore } from './program-store.js';

export interface TranslationSearchOptions {
  engine: Engine;
  /** The model's parameters by name, as a checkpoint holds them. */
  weights: Weights;
  /** Default: those of the model's configuration. */
  tokens?: TranslationTokens;
}

/** Encoder programs that are kept, one for each size of batch and length of sources. */
const ENCODERS = 8;

/** Lengths that sources are padded to: 8, 12, 16, 24, 32, 48, .., so that few programs serve all. */
export function paddedLength(length: number): number {
  const power = Math.max(batchSize(length), 8);
  return power > 8 && length <= (power * 3) / 4 ? (power * 3) / 4 : power;
}

/**
 * The decoder as a search model, its start token the prompt; `source` of a search input is what the encoder reads, its end
 * token included where the model was trained so. What the decoder reads of a source is made once, and all hypotheses of a
 * sentence share it. Throws UserError where neither options nor configuration tell the start token.
 */
export function translationSearchModel(
  model: TranslationModel,
  { engine, weights, tokens = model.config.tokens }: TranslationSearchOptions,
): SearchModel {
  const { vocab, sourceVocab = vocab, positions, maxPositions } = model.config;
  if (tokens === undefined)
    throw new UserError("the model does not tell its decoder's start token", {
      hint: 'Give tokens: { start, end, padding }.',
    });
  const values = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]));
  const decoding = model.stepWeights(values);
  const longest = positions === 'learned' ? maxPositions : Number.POSITIVE_INFINITY;
  const names = model.crossStateSpecs(1, 1).map(({ name }) => name);
  const encoders = createProgramStore<CompiledProgram>(ENCODERS);

  /** source [batch, length] and its mask -> what the decoder reads. */
  const compileEncoder = (batch: number, length: number): Promise<CompiledProgram> => {
    const shape = [batch, length];
    return engine.compile({
      name: 'encode',
      inputs: { source: { shape, dtype: 'int32' }, mask: { shape } },
      constants: decoding,
      program: ({ source, mask }, parameters) => {
        const memory = model.encode(source!, mask!, parameters); // [batch, length, dim]
        return { outputs: model.crossState({ memory, mask: mask! }, parameters) };
      },
    });
  };

  return {
    vocab,
    maxPositions: longest,
    endTokens: [tokens.end],
    startToken: tokens.start,
    weights: decoding,
    state: (rows, capacity) => model.state(rows, capacity),
    step: ({ ids, position, state, context, weights: own, options }) =>
      model.step(ids, position, { ...state, ...context }, own, options),
    prefill: ({ ids, position, count, state, context, weights: own, options }) =>
      model.prefill(ids, position, count!, { ...state, ...context }, own, options),
    async encode(sources) {
      const most = Math.max(1, ...sources.map((source) => source.length));
      if (most > longest)
        throw new UserError(`a source of ${most} tokens is longer than the model's ${longest} positions`, {
          hint: 'Shorten or split it.',
        });
      const length = Math.min(paddedLength(most), longest);
      const ids = new Int32Array(sources.length * length).fill(tokens.padding);
      const mask = new Float32Array(sources.length * length);
      for (const [row, source] of sources.entries()) {
        if (source.length === 0) throw new UserError('a source is empty; expected at least its end token');
        for (let t = 0; t < source.length; t++) {
          const id = source[t]!;
          if (!(Number.isInteger(id) && id >= 0 && id < sourceVocab))
            throw new UserError(`token id ${id} is outside the source's vocabulary of ${sourceVocab}`);
          ids[row * length + t] = id;
        }
        mask.fill(1, row * length, row * length + source.length);
      }
      const batch = sources.length;
      const program = await encoders.get(`${batch} ${length}`, () => compileEncoder(batch, length));
      const made = await program.run({ source: ids, mask });
      const specs = model.crossStateSpecs(batch, length);
      return Object.fromEntries(
        names.map((name, i): [string, HostTensor] => [name, { shape: specs[i]!.shape, data: made[name]! }]),
      );
    },
    dispose: () => encoders.dispose(),
  };
}
