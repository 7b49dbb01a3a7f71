/** Sources that are read together before their sentences are searched: encoded, and their prompts fed in parallel. */
import { UserError } from '@t2r/core';
import type { Engine, HostTensor, Variables } from '@t2r/engine';
import { batchSize } from './batch-size.js';
import type { SearchModel } from './model.js';
import type { SearchSettings } from './options.js';
import type { ProgramStore } from './program-store.js';
import { type BoundProgram, compilePrefill, type ProgramShape, writeContext } from './programs.js';
import { clearState } from './rows.js';
import type { SearchSource } from './sentence.js';

export interface SearchContext {
  engine: Engine;
  model: SearchModel;
  settings: SearchSettings;
  store: ProgramStore<BoundProgram>;
  /** Positions of a prompt that are read at once. */
  chunk: number;
  /** Positions that caches have room for at first; doubled as they fill. */
  capacity: number;
}

export interface SourceGroup {
  /** Numbers of the sources among all. */
  places: readonly number[];
  sources: readonly SearchSource[];
  /** Positions that their prompts have been read to. */
  start: number;
  /** Where there are any: the state after them, axis 0 the sentences. */
  state?: Variables;
  /** What the encoder gave, axis 0 the sentences. */
  context: Record<string, HostTensor>;
}

/** Reads the sources at `places`. Throws UserError for sources that do not fit the model. */
export async function readGroup(
  all: readonly SearchSource[],
  places: readonly number[],
  options: SearchContext,
): Promise<SourceGroup> {
  const sources = places.map((place) => all[place]!);
  for (const source of sources) checkSource(source, options);
  // Programs are compiled for powers of two; what is left of the places is filled with the last source.
  const filled = Array.from({ length: batchSize(sources.length) }, (_, i) => sources[Math.min(i, sources.length - 1)]!);
  const context = (await options.model.encode?.(filled.map(({ source = [] }) => source))) ?? {};
  return { places, sources, context, ...(await readPrompts(filled, context, options)) };
}

function checkSource({ prompt, prefix = [] }: SearchSource, { model, settings }: SearchContext): void {
  const { vocab, maxPositions } = model;
  const foreign = [...Array.from(prompt), ...Array.from(prefix)].find(
    (id) => !(Number.isInteger(id) && id >= 0 && id < vocab),
  );
  if (foreign !== undefined)
    throw new UserError(`token id ${foreign} is outside the model's vocabulary of ${vocab}`, {
      hint: 'Encode the text with the tokenizer that the model was trained with.',
    });
  if (prompt.length === 0) throw new UserError('beam search: a prompt is empty; expected at least one token');
  if (prompt.length > maxPositions)
    throw new UserError(`a prompt of ${prompt.length} tokens is longer than the model's ${maxPositions} positions`, {
      hint: 'Shorten the prompt, or use a model with sinusoidal positions, which have no end.',
    });
  const end = Array.from(prefix).find((id) => settings.endTokens.includes(id));
  if (end !== undefined) throw new UserError(`beam search: a forced prefix holds the token ${end}, which ends a text`);
}

/**
 * Reads what all prompts have in length but for their last token, in parallel. `start` is the number of positions read; where
 * there are any, their state is in `state`.
 */
async function readPrompts(
  sources: readonly SearchSource[],
  context: Record<string, HostTensor>,
  { engine, model, store, chunk, capacity: least }: SearchContext,
): Promise<{ start: number; state?: Variables }> {
  const start = Math.min(...sources.map(({ prompt }) => prompt.length)) - 1;
  if (model.prefill === undefined || start < 2) return { start: 0 };
  const growing = model.state(1, 1).some(({ grows }) => grows);
  const whole = Math.ceil(start / chunk) * chunk;
  const capacity = growing ? Math.max(least, batchSize(whole)) : 0;
  const shape: ProgramShape = { sentences: sources.length, beam: 1, capacity, context: shapesOf(context) };
  const key = JSON.stringify(['prefill', shape, chunk]);
  const prefilled = await store.get(key, () => compilePrefill(engine, model, shape, chunk));
  clearState(prefilled);
  writeContext(prefilled, context);
  const ids = new Int32Array(sources.length * chunk);
  for (let at = 0; at < start; at += chunk) {
    const count = Math.min(chunk, start - at);
    ids.fill(0);
    for (const [i, { prompt }] of sources.entries())
      for (let t = 0; t < count; t++) ids[i * chunk + t] = prompt[at + t]!;
    await prefilled.program.run({ ids, position: Int32Array.of(at), count: Int32Array.of(count) });
  }
  // A copy: the program may read other prompts, or be released, before all of these have their places.
  const { specs, variables } = prefilled;
  const state = engine.variables(
    Object.fromEntries(specs.map(({ name, shape: own }) => [name, { shape: own, data: variables.read(name) }])),
  );
  return { start, state };
}

const shapesOf = (context: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(context).map(([name, { shape }]) => [name, shape]));
