/** What beam search needs of a model, and how a language model gives it. */
import type { StateSpec } from '@t2r/attention';
import type { HostTensor, TensorMap } from '@t2r/engine';
import type { DecodeResult, LanguageModel, StepOptions, Weights } from '@t2r/models';
import type { Tensor } from '@tensorflow/tfjs-core';

/** One call of the step or the prefill, on tensors of a traced program. */
export interface SearchCall {
  /** Step: [rows] int32, rows = sentences * beam, those of a sentence in a row. Prefill: [sentences, T], padded on the right. */
  ids: Tensor;
  /** int32: positions already in the state; step: of each row, [rows]; prefill: a scalar. */
  position: Tensor;
  /** prefill only: int32 scalar, real positions. */
  count?: Tensor;
  /** By name, axis 0 the rows (in prefill the sentences). */
  state: TensorMap;
  /** What the sentences' sources gave, by name, axis 0 the sentences. */
  context: TensorMap;
  weights: TensorMap;
  options: StepOptions;
}

export interface SearchModel {
  readonly vocab: number;
  /** Positions that the decoder has; Infinity where there is no last one. */
  readonly maxPositions: number;
  /** Tokens that end a text, where the model knows. */
  readonly endTokens?: readonly number[];
  /** What stands for an empty prompt: the decoder's start token, or the token that texts begin with. */
  readonly startToken?: number;
  /** Folded into the programs. */
  readonly weights: Weights;
  /** State of `rows` hypotheses, axis 0 the rows, which do not depend on each other. Begins with zeros. */
  state(rows: number, capacity: number): StateSpec[];
  /** Returns logits or log-probabilities [rows, vocab], and the new state. */
  step(call: SearchCall): DecodeResult;
  /** Several positions of a prompt at once. Absent: they are fed one at a time. */
  prefill?(call: SearchCall): DecodeResult;
  /** Reads the sources of a batch: tensors for `context`, axis 0 the sentences. For models with an encoder. */
  encode?(sources: readonly ArrayLike<number>[]): Promise<Record<string, HostTensor>>;
  /** Releases what `encode` has compiled. */
  dispose?(): Promise<void>;
}

export interface LanguageSearchOptions {
  /** The model's parameters by name, as a checkpoint holds them. */
  weights: Weights;
  /** Ends texts and begins those without a prompt: the tokenizer's end-of-text token. */
  endOfText?: number;
}

/** A language model, for beam search. */
export function languageSearchModel(model: LanguageModel, { weights, endOfText }: LanguageSearchOptions): SearchModel {
  const { vocab, positions, maxPositions } = model.config;
  const values = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]));
  return {
    vocab,
    maxPositions: positions === 'learned' ? maxPositions : Number.POSITIVE_INFINITY,
    endTokens: endOfText === undefined ? [] : [endOfText],
    startToken: endOfText,
    weights: model.stepWeights(values),
    state: (rows, capacity) => model.state(rows, capacity),
    step: ({ ids, position, state, weights: own, options }) => model.step(ids, position, state, own, options),
    prefill: ({ ids, position, count, state, weights: own, options }) =>
      model.prefill(ids, position, count!, state, own, options),
  };
}
