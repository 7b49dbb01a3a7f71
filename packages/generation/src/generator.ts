/**
 * A generator feeds tokens to a model and keeps its recurrent state between them. For an RNN the state has a fixed size
 * and there is no longest position; for softmax attention it is a growing cache.
 */
import { UserError } from '@t2r/core';
import type { Engine, WeightFormat } from '@t2r/engine';
import type { LanguageModel, Weights } from '@t2r/models';
import type { Tokenizer } from '@t2r/tokenizers';
import { modelHash } from '@t2r/zoo';
import { type GeneratedToken, type GenerateOptions, generateTokens, type StopReason } from './generate.js';
import type { GeneratorSnapshot } from './snapshot/snapshot.js';
import { createDecoderState, type DecoderState } from './state.js';
import { type GenerateTextOptions, generateText } from './text.js';

export interface GeneratorOptions {
  model: LanguageModel;
  /** The model's parameters by name, as a checkpoint holds them. */
  weights: Weights;
  /** Needed by `generateText`, and for the start token of an empty prompt. */
  tokenizer?: Tokenizer;
  engine: Engine;
  /** Sequences decoded side by side, all at the same position. Default 1. */
  batch?: number;
  /** Positions that prefill computes at once; a longer prompt takes several chunks. Default 128. */
  chunk?: number;
  /** Positions that a softmax cache has room for at first; it doubles as it fills. Default 256. */
  capacity?: number;
  /** How weights are stored: int8 and int4 decode faster, less exactly. The state stays float32. Default fp32. */
  dtype?: WeightFormat;
}

export interface TextGenerator {
  readonly model: LanguageModel;
  readonly tokenizer?: Tokenizer;
  readonly batch: number;
  /** SHA-256 over configuration and weights, in hex: what a saved state is checked against. Computed when first asked for. */
  readonly modelHash: string;
  /** How weights are stored. */
  readonly dtype: WeightFormat;
  /** Number of tokens fed since the last reset: the position the next one takes. */
  readonly position: number;
  /** Number of positions the model has: `maxPositions` with learned positions, else Infinity. */
  readonly maxPositions: number;
  /**
   * Feeds several tokens in parallel on top of the state: ids [batch, time], row-major. Returns the logits
   * [batch, vocab] after the last one. Throws UserError for no ids, ids outside the vocabulary, or too many positions.
   */
  prefill(ids: ArrayLike<number>): Promise<Float32Array>;
  /** Feeds one token (or one for each sequence of the batch). Returns the logits [batch, vocab] after it. */
  next(id: number | ArrayLike<number>): Promise<Float32Array>;
  /**
   * Starts anew from a prompt and yields tokens as they are chosen; returns why it ended. An empty prompt stands for
   * the tokenizer's end-of-text token. For batch 1.
   */
  generate(promptIds: ArrayLike<number>, options?: GenerateOptions): AsyncGenerator<GeneratedToken, StopReason>;
  /** Like `generate`, from text to pieces of text, which join to the decoded continuation. */
  generateText(prompt: string, options?: GenerateTextOptions): AsyncGenerator<string, StopReason>;
  /** Bytes of state that one sequence needs at the present position. */
  stateBytes(): number;
  /** Forgets everything fed. */
  reset(): void;
  /** A copy of the state on the host. */
  save(): GeneratorSnapshot;
  /**
   * Another generator with the state that this one has now; each goes on by itself, and reads nothing again. The two share
   * weights and programs, so that a fork costs a copy of the state alone, and their calls run one after another, in any order.
   */
  fork(): TextGenerator;
  /** The state of sequence `from` of the batch for sequence `to` as well, which forgets its own. Throws UserError where there is none. */
  copyRow(from: number, to: number): Promise<void>;
  /**
   * Goes back to a saved state of the same model. That of one sequence may be restored into a batch: all go on from it. A
   * snapshot is left as it is, so that it may be restored any number of times. Throws UserError where it does not fit.
   */
  restore(snapshot: GeneratorSnapshot): Promise<void>;
  /** Releases the state, and the programs with the last of the forks; the engine stays open. */
  dispose(): Promise<void>;
}

/** Creates a generator. Programs are compiled when first used. One call at a time; those of forks wait for each other. */
export function createGenerator({
  model,
  weights,
  tokenizer,
  engine,
  batch = 1,
  chunk = 128,
  capacity = 256,
  dtype = 'fp32',
}: GeneratorOptions): TextGenerator {
  const values = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]));
  let hash: string | undefined;
  const shared: SharedParts = {
    model,
    tokenizer,
    batch,
    chunk,
    dtype,
    modelHash: () => (hash ??= modelHash(model.config, weights)),
  };
  const state = createDecoderState({
    engine,
    model,
    weights: model.stepWeights(values),
    batch,
    chunk,
    capacity,
    dtype,
  });
  return generatorOf(state, shared);
}

/** What a generator has in common with its forks. */
interface SharedParts extends Pick<TextGenerator, 'model' | 'tokenizer' | 'batch' | 'dtype'> {
  chunk: number;
  modelHash(): string;
}

function generatorOf(state: DecoderState, shared: SharedParts): TextGenerator {
  const { model, tokenizer, batch, chunk, dtype } = shared;
  const { vocab, positions } = model.config;
  const maxPositions = positions === 'learned' ? model.config.maxPositions : Number.POSITIVE_INFINITY;
  const stepIds = new Int32Array(batch);
  const rowPositions = new Int32Array(batch);
  const chunkIds = new Int32Array(batch * chunk);

  const checkId = (id: number) => {
    if (!(Number.isInteger(id) && id >= 0 && id < vocab))
      throw new UserError(`token id ${id} is outside the model's vocabulary of ${vocab}`, {
        hint: 'Encode the prompt with the tokenizer that the model was trained with.',
      });
    return id;
  };
  const checkPositions = (count: number) => {
    if (state.position + count > maxPositions)
      throw new UserError(
        `position ${state.position + count - 1} is past the model's last learned position, ${maxPositions - 1}`,
        { hint: 'Shorten the prompt, or train the model with sinusoidal positions, which have no end.' },
      );
  };

  const generator: TextGenerator = {
    model,
    tokenizer,
    batch,
    dtype,
    maxPositions,
    get modelHash() {
      return shared.modelHash();
    },
    get position() {
      return state.position;
    },
    async prefill(ids) {
      const time = ids.length / batch;
      if (!(Number.isInteger(time) && time > 0))
        throw new UserError(`prefill got ${ids.length} token ids for a batch of ${batch}; expected at least one each`);
      if (time === 1) return generator.next(ids);
      checkPositions(time);
      for (let i = 0; i < ids.length; i++) checkId(ids[i]!);
      return state.use(async (memory) => {
        // Padding of the last chunk is written to caches too, where later positions overwrite it.
        await memory.reserve(state.position + Math.ceil(time / chunk) * chunk);
        const program = await memory.prefill();
        let logits: Float32Array | undefined;
        for (let start = 0; start < time; start += chunk) {
          const count = Math.min(chunk, time - start);
          chunkIds.fill(0);
          for (let row = 0; row < batch; row++)
            for (let t = 0; t < count; t++) chunkIds[row * chunk + t] = ids[row * time + start + t]!;
          const outputs = await program.run({
            ids: chunkIds,
            position: rowPositions.fill(state.position),
            count: Int32Array.of(count),
          });
          logits = outputs.logits as Float32Array;
          state.position += count;
        }
        return logits!;
      });
    },
    async next(id) {
      if (typeof id === 'number') stepIds.fill(checkId(id));
      else for (let row = 0; row < batch; row++) stepIds[row] = checkId(id[row]!);
      checkPositions(1);
      return state.use(async (memory) => {
        await memory.reserve(state.position + 1);
        const program = await memory.step();
        const outputs = await program.run({ ids: stepIds, position: rowPositions.fill(state.position) });
        state.position++;
        return outputs.logits as Float32Array;
      });
    },
    generate: (promptIds, options) => generateTokens(generator, promptIds, options),
    generateText: (prompt, options) => generateText(generator, prompt, options),
    stateBytes: () => model.stateBytes(state.position),
    reset: () => state.clear(),
    save: () => state.save(),
    restore: (snapshot) => state.restore(snapshot),
    fork: () => generatorOf(state.fork(), shared),
    async copyRow(from, to) {
      for (const row of [from, to])
        if (!(Number.isInteger(row) && row >= 0 && row < batch))
          throw new UserError(`there is no sequence ${row} in a batch of ${batch}`, { hint: 'Count from 0.' });
      await state.use(async (memory) => memory.copyRow(from, to));
    },
    dispose: () => state.dispose(),
  };
  return generator;
}
