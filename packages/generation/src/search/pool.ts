/**
 * The search of many sentences in one program of fixed size: they take their steps together, each at its own position; one
 * that is done gives its place to the next. Towards the end, when none is left to come, the pool gets smaller.
 */
import { batchSize } from './batch-size.js';
import type { SearchContext, SourceGroup } from './group.js';
import type { Hypothesis } from './hypothesis.js';
import type { SearchModel } from './model.js';
import type { SearchSettings } from './options.js';
import { type BoundProgram, compileStep, type ProgramShape, type StepOutputs } from './programs.js';
import { createRestrictions } from './restrictions.js';
import { commonShapes, type Move, moveSentences, placeSentences, type SentenceShapes, sentenceShapes } from './rows.js';
import { type RowCopy, SentenceSearch, type StepScores } from './sentence.js';

export interface PoolOptions extends SearchContext {
  /** Places for sentences. */
  size: number;
  /** Whether the pool gets smaller when sentences finish and none come. */
  compact: boolean;
  signal?: AbortSignal;
  /** The next sources, or undefined when there are no more. */
  next(): Promise<SourceGroup | undefined>;
}

/** A sentence that is done: number of its source, and its hypotheses. */
export interface Found {
  place: number;
  hypotheses: Hypothesis[];
}

/** The pool moves to a smaller program when at most one in so many of its places is taken: each size is compiled anew. */
const SHRINK = 4;

interface Slot {
  place: number;
  sentence: SentenceSearch;
  /** Positions in its state. */
  position: number;
  shapes: SentenceShapes;
}

/** A sentence that comes in: sentence `row` of `group`. */
interface Arrival {
  slot: Slot;
  group: SourceGroup;
  row: number;
}

/** Searches all sources that `next` gives, and hands back each as it is done. */
export async function* runPool(options: PoolOptions): AsyncGenerator<Found, void> {
  const { engine, model, settings, store, compact, capacity: least, next } = options;
  const { beam } = settings;
  const growing = model.state(1, 1).some(({ grows }) => grows);
  const outputs = stepOutputs(settings, model);
  let slots: (Slot | undefined)[] = Array.from({ length: options.size }, () => undefined);
  let group: SourceGroup | undefined;
  let taken = 0;
  let ended = false;
  let bound: BoundProgram | undefined;
  let inputs = buffers(0);
  let restrictions = createRestrictions({ ...settings, sentences: 0, beam, vocab: model.vocab });

  /** The next sentence, which will take a place. */
  const arrive = async (): Promise<Arrival | undefined> => {
    if (!ended && taken === (group?.sources.length ?? 0)) {
      group = await next();
      taken = 0;
      ended = group === undefined;
    }
    if (group === undefined) return undefined;
    const row = taken++;
    const { start } = group;
    const sentence = new SentenceSearch(group.sources[row]!, settings, { start, maxPositions: model.maxPositions });
    const slot: Slot = { place: group.places[row]!, sentence, position: start, shapes: sentenceShapes(group.context) };
    return { slot, group, row };
  };

  /** What the program must hold for the sentences that are in. */
  const fittingShape = (): ProgramShape => {
    const open = slots.filter((slot) => slot !== undefined);
    const smaller = batchSize(open.length);
    const sentences = compact && ended && smaller <= slots.length / SHRINK ? smaller : slots.length;
    const context = Object.fromEntries(
      Object.entries(commonShapes(open.map(({ shapes }) => shapes))).map(([name, shape]) => [
        name,
        [sentences, ...shape],
      ]),
    );
    const needed = Math.max(...open.map(({ position }) => position)) + 1;
    const capacity = growing ? Math.max(least, batchSize(needed)) : 0;
    return { sentences, beam, capacity, context };
  };

  /** Moves those who were in, at the same place or, in a smaller program, one after the other. */
  const move = async (shape: ProgramShape, arrived: ReadonlySet<Slot>) => {
    const before = bound;
    bound = await store.get(JSON.stringify(['step', shape, outputs]), () => compileStep(engine, model, shape, outputs));
    const { sentences } = shape;
    const same = sentences === slots.length;
    const moved: (Slot | undefined)[] = Array.from({ length: sentences }, () => undefined);
    const moves: Move[] = [];
    const open = slots.flatMap((slot, from) => (slot ? [{ slot, from }] : []));
    for (const [i, { slot, from }] of open.entries()) {
      const to = same ? from : i;
      moved[to] = slot;
      if (!arrived.has(slot)) moves.push({ from, to, positions: slot.position });
    }
    if (before) moveSentences(before, bound, moves);
    slots = moved;
    inputs = buffers(sentences * beam);
    restrictions = createRestrictions({ ...settings, sentences, beam, vocab: model.vocab });
    return bound;
  };

  /** The program that fits those who are in; those who have just come are put into it. */
  const fit = async (arrivals: readonly Arrival[]): Promise<BoundProgram> => {
    const shape = fittingShape();
    const fits =
      bound !== undefined &&
      bound.shape.sentences === shape.sentences &&
      bound.shape.capacity >= shape.capacity &&
      JSON.stringify(bound.shape.context) === JSON.stringify(shape.context);
    const program = fits ? bound! : await move(shape, new Set(arrivals.map(({ slot }) => slot)));
    for (const group of new Set(arrivals.map((arrival) => arrival.group))) {
      const own = arrivals.filter((arrival) => arrival.group === group);
      const moves = own.map(({ row, slot }) => ({ from: row, to: slots.indexOf(slot) }));
      placeSentences(group, program, moves, engine);
    }
    return program;
  };

  for (;;) {
    options.signal?.throwIfAborted();
    const arrivals: Arrival[] = [];
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] !== undefined) continue;
      const arrival = await arrive();
      if (arrival === undefined) break;
      slots[i] = arrival.slot;
      arrivals.push(arrival);
    }
    if (slots.every((slot) => slot === undefined)) return;
    const program = await fit(arrivals);
    const { ids, wanted, position } = inputs;
    for (const [i, slot] of slots.entries()) {
      if (slot) ids.set(slot.sentence.tokens, i * beam);
      wanted.fill(slot?.sentence.wanted ?? 0, i * beam, (i + 1) * beam);
      position.fill(slot?.position ?? 0, i * beam, (i + 1) * beam);
    }
    const found = await program.program.run({
      ids,
      wanted,
      position,
      ...restrictions.inputs(slots.map((slot) => slot?.sentence)),
    });
    const scores = { count: outputs.count, ...found } as unknown as StepScores;
    const copies: RowCopy[] = [];
    for (const [i, slot] of slots.entries()) {
      if (slot === undefined) continue;
      slot.sentence.advance(scores, i * beam, copies);
      slot.position++;
    }
    copyRows(program, copies, (row) => slots[Math.floor(row / beam)]!.position);
    for (const [i, slot] of slots.entries()) {
      if (!slot?.sentence.done) continue;
      slots[i] = undefined;
      yield { place: slot.place, hypotheses: slot.sentence.results() };
    }
  }
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

/** Hypotheses that go on from another row's take over its state; of caches, only the positions that differ. */
function copyRows({ variables, specs }: BoundProgram, copies: readonly RowCopy[], positionOf: (row: number) => number) {
  for (const { from, to, tokens } of copies) {
    const position = positionOf(to);
    for (const { name, grows } of specs) {
      const rows = grows ? { axis: 2, start: position - tokens, end: position } : undefined;
      variables.copyEntry(name, { from, to, rows });
    }
  }
}

const buffers = (rows: number) => ({
  ids: new Int32Array(rows),
  wanted: new Int32Array(rows),
  position: new Int32Array(rows),
});
