/** The search of one batch of sentences: they take their steps together, and leave the batch as they finish. */
import { UserError } from '@t2r/core';
import type { Engine, HostTensor } from '@t2r/engine';
import { batchSize } from './batch-size.js';
import type { Hypothesis } from './hypothesis.js';
import type { SearchModel } from './model.js';
import type { SearchSettings } from './options.js';
import type { ProgramStore } from './program-store.js';
import {
  type BoundProgram,
  compilePrefill,
  compileStep,
  type ProgramShape,
  type StepOutputs,
  writeContext,
} from './programs.js';
import { createRestrictions, type Restrictions } from './restrictions.js';
import { clearState, moveState, takeRows } from './rows.js';
import { type RowCopy, type SearchSource, SentenceSearch, type StepScores } from './sentence.js';

export interface BatchOptions {
  engine: Engine;
  model: SearchModel;
  settings: SearchSettings;
  store: ProgramStore<BoundProgram>;
  /** Positions of a prompt that are read at once. */
  chunk: number;
  /** Positions that caches have room for at first; doubled as they fill. */
  capacity: number;
  /** Whether the batch gets smaller as sentences finish. */
  compact: boolean;
  signal?: AbortSignal;
}

/** Searches a batch; the results are in the order of the sources. Throws UserError for sources that do not fit the model. */
export async function searchBatch(sources: readonly SearchSource[], options: BatchOptions): Promise<Hypothesis[][]> {
  for (const source of sources) checkSource(source, options);
  const batch = await openBatch(sources, options);
  while (batch.open > 0) {
    options.signal?.throwIfAborted();
    await batch.step();
  }
  return batch.sentences.map((sentence) => sentence.results());
}

function checkSource({ prompt, prefix = [] }: SearchSource, { model, settings }: BatchOptions): void {
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

interface OpenBatch {
  sentences: readonly SentenceSearch[];
  /** Sentences that go on. */
  readonly open: number;
  step(): Promise<void>;
}

async function openBatch(sources: readonly SearchSource[], options: BatchOptions): Promise<OpenBatch> {
  const { model, settings, store, engine, compact } = options;
  const { beam } = settings;
  const growing = model.state(1, 1).some(({ grows }) => grows);
  const outputs = stepOutputs(settings, model);
  // Places that no sentence has are filled with the last one.
  const filled = Array.from({ length: batchSize(sources.length) }, (_, i) => sources[Math.min(i, sources.length - 1)]!);
  let context: Record<string, HostTensor> = (await model.encode?.(filled.map(({ source = [] }) => source))) ?? {};
  const { start, prefilled } = await readPrompts(filled, context, options);
  const { maxPositions } = model;
  const sentences = sources.map((source) => new SentenceSearch(source, settings, { start, maxPositions }));

  /** Sentences of the batch by place; places after them are idle. */
  let placed: readonly SentenceSearch[] = sentences;
  let position = start;

  const program = (size: number, capacity: number): Promise<BoundProgram> => {
    const shape = { sentences: size, beam, capacity, context: shapesOf(context) };
    return store.get(JSON.stringify(['step', shape, outputs]), () => compileStep(engine, model, shape, outputs));
  };
  const restrictionsFor = (size: number): Restrictions =>
    createRestrictions({ ...settings, sentences: size, beam, vocab: model.vocab });

  let capacity = growing ? Math.max(options.capacity, batchSize(start + 1)) : 0;
  let bound = await program(filled.length, capacity);
  if (prefilled) moveState(prefilled, bound, repeated(filled.length, beam), start);
  else clearState(bound);
  writeContext(bound, context);
  let restrictions = restrictionsFor(filled.length);
  let scratch = buffers(filled.length * beam);

  /** Moves to the program of another size, with the sentences at `places`. */
  const resize = async (size: number, places: readonly number[]) => {
    const all = Array.from({ length: size }, (_, i) => places[Math.min(i, places.length - 1)]!);
    const smaller = size !== bound.shape.sentences;
    if (smaller) {
      context = Object.fromEntries(Object.entries(context).map(([name, tensor]) => [name, takeRows(tensor, all)]));
    }
    const next = await program(size, capacity);
    const rows = all.flatMap((place) => Array.from({ length: beam }, (_, row) => place * beam + row));
    moveState(bound, next, rows, position);
    writeContext(next, context);
    bound = next;
    placed = places.map((place) => placed[place]!);
    if (!smaller) return;
    restrictions = restrictionsFor(size);
    scratch = buffers(size * beam);
  };

  const open = () => placed.flatMap((sentence, place) => (sentence.done ? [] : [place]));
  const fit = async () => {
    const size = bound.shape.sentences;
    const places = open();
    const fitting = compact ? batchSize(places.length) : size;
    const full = growing && position >= capacity;
    if (full) capacity *= 2;
    if (fitting < size) await resize(fitting, places);
    else if (full)
      await resize(
        size,
        placed.map((_, place) => place),
      );
  };

  return {
    sentences,
    get open() {
      return open().length;
    },
    async step() {
      await fit();
      const { ids, wanted } = scratch;
      for (const [place, sentence] of placed.entries()) {
        ids.set(sentence.tokens, place * beam);
        wanted.fill(sentence.wanted, place * beam, (place + 1) * beam);
      }
      const found = await bound.program.run({
        ids,
        wanted,
        position: Int32Array.of(position),
        ...restrictions.inputs(placed),
      });
      const scores = { count: outputs.count, ...found } as unknown as StepScores;
      const copies: RowCopy[] = [];
      for (const [place, sentence] of placed.entries()) {
        if (!sentence.done) sentence.advance(scores, place * beam, copies);
      }
      position++;
      copyRows(bound, copies, position);
    },
  };
}

function stepOutputs(settings: SearchSettings, { vocab }: SearchModel): StepOutputs {
  const { beam, endTokens, minTokens, suppressTokens, noRepeatNgram, repetitionPenalty } = settings;
  // Candidates enough that `beam` of them go on although all end tokens are among them; those that come too early are skipped.
  const wanted = Math.max(2, 1 + endTokens.length) * beam + (minTokens > 0 ? endTokens.length : 0);
  return {
    count: Math.min(wanted, vocab),
    suppressTokens,
    bans: noRepeatNgram > 0,
    factors: repetitionPenalty !== 1,
  };
}

/**
 * Reads what all prompts have in length but for their last token, in parallel. `start` is the number of positions read; where
 * there are any, their state is in `prefilled`, one row a sentence.
 */
async function readPrompts(
  sources: readonly SearchSource[],
  context: Record<string, HostTensor>,
  { engine, model, store, chunk, capacity: least }: BatchOptions,
): Promise<{ start: number; prefilled?: BoundProgram }> {
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
  return { start, prefilled };
}

/** Hypotheses that go on from another row's take over its state; of caches, only the positions that differ. */
function copyRows({ variables, specs }: BoundProgram, copies: readonly RowCopy[], position: number): void {
  for (const { from, to, tokens } of copies) {
    for (const { name, grows } of specs) {
      const rows = grows ? { axis: 2, start: position - tokens, end: position } : undefined;
      variables.copyEntry(name, { from, to, rows });
    }
  }
}

const shapesOf = (context: Record<string, HostTensor>) =>
  Object.fromEntries(Object.entries(context).map(([name, { shape }]) => [name, shape]));

/** 0, 0, .., 1, 1, ..: each of `count` numbers `times` times. */
const repeated = (count: number, times: number) =>
  Array.from({ length: count * times }, (_, i) => Math.floor(i / times));

const buffers = (rows: number) => ({ ids: new Int32Array(rows), wanted: new Int32Array(rows) });
