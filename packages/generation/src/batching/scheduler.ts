/**
 * Continuous batching: sequences join and leave a batch at any step. A prompt is read alone, a chunk between two steps of the
 * others; its state then moves into a row. A sequence whose reader is slow leaves its row until the reader has caught up.
 */
import { UserError } from '@t2r/core';
import type { Engine, WeightFormat } from '@t2r/engine';
import type { LanguageModel, Weights } from '@t2r/models';
import type { Tokenizer } from '@t2r/tokenizers';
import { createGenerator } from '../generator.js';
import { checkFit } from '../snapshot/fit.js';
import type { StateSnapshot } from '../snapshot/snapshot.js';
import { createStateRows } from './rows.js';
import { type BatchSequence, Sequence, type SequenceOptions } from './sequence.js';

export interface SchedulerOptions {
  model: LanguageModel;
  /** The model's parameters by name, as a checkpoint holds them. */
  weights: Weights;
  /** For texts and stop strings; without it there are token ids alone. */
  tokenizer?: Tokenizer;
  engine: Engine;
  /** Sequences that are decoded side by side, at most. Default 16. */
  batch?: number;
  /** Positions of a prompt that are read between two steps. Default 128. */
  chunk?: number;
  /** Positions that softmax caches have room for at first. Default 256. */
  capacity?: number;
  /** Tokens that a sequence may be ahead of its reader. Default 64. */
  ahead?: number;
  /** How weights are stored, as in a generator. Default fp32. */
  dtype?: WeightFormat;
}

/** A prompt and the sequences that go on from it; it is read once. */
export interface BatchRequest {
  prompt: ArrayLike<number>;
  /** A state that the prompt follows. */
  from?: StateSnapshot;
  /** One for each sequence. */
  choices: readonly SequenceOptions[];
}

export interface SchedulerFigures {
  /** Rows that hold a sequence. */
  active: number;
  /** Sequences that wait for their prompt to be read, or for a row. */
  waiting: number;
  /** Sequences that wait for their readers. */
  parked: number;
  /** Steps run. */
  steps: number;
}

export interface Scheduler {
  readonly model: LanguageModel;
  readonly tokenizer?: Tokenizer;
  readonly batch: number;
  readonly modelHash: string;
  /** How weights are stored. */
  readonly dtype: WeightFormat;
  /** Sizes of batch that there are programs for. */
  readonly sizes: readonly number[];
  /** Positions the model has. */
  readonly maxPositions: number;
  /** Begins sequences. Throws UserError for options, ids, lengths and states that do not fit. */
  submit(request: BatchRequest): BatchSequence[];
  figures(): SchedulerFigures;
  /** Cancels what is left and releases programs and states; the engine stays open. */
  dispose(): Promise<void>;
}

interface Job {
  prompt: number[];
  from?: StateSnapshot;
  sequences: Sequence[];
  /** Ids read so far, once reading has begun. */
  read?: number;
  /** State after the prompt, and the logits there. */
  done?: { snapshot: StateSnapshot; logits?: Float32Array };
}

/** Positions of the program that reads short prompts. */
const SHORT_CHUNK = 16;

/** Ids that a sequence begins with. */
function promptOf({ prompt, from }: BatchRequest, tokenizer: Tokenizer | undefined): number[] {
  const ids = [...(from?.pending ?? []), ...Array.from(prompt)];
  if (ids.length > 0) return ids;
  if (tokenizer?.endOfText !== undefined) return [tokenizer.endOfText];
  throw new UserError('the prompt is empty, and there is no end-of-text token to begin a text with', {
    hint: 'Give a prompt of at least one token.',
  });
}

/** Opens a scheduler: compiles its programs. */
export async function createScheduler(options: SchedulerOptions): Promise<Scheduler> {
  const { model, weights, tokenizer, engine, batch = 16, chunk = 128, capacity = 256, ahead = 64 } = options;
  const { dtype = 'fp32' } = options;
  const { vocab } = model.config;
  const reader = createGenerator({ model, weights, tokenizer, engine, chunk, capacity, dtype });
  // Short prompts are not padded to a whole chunk. Which reader takes a prompt depends on its length alone.
  const short = Math.min(SHORT_CHUNK, chunk);
  const shortReader = createGenerator({ model, weights, tokenizer, engine, chunk: short, capacity, dtype });
  const readerOf = (length: number) => (length <= short ? shortReader : reader);
  const { maxPositions } = reader;
  const values = Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]));
  const rows = await createStateRows({ engine, model, weights: model.stepWeights(values), batch, capacity, dtype });
  // The prompts' programs are compiled before the first request comes.
  for (const each of [reader, shortReader]) {
    await each.prefill(new Array<number>(Math.min(2, maxPositions)).fill(0));
    each.reset();
  }

  /** By row. */
  const active: Sequence[] = [];
  const jobs: Job[] = [];
  const parked = new Map<Sequence, StateSnapshot>();
  let wake: (() => void) | undefined;
  let closed = false;
  let steps = 0;
  const onChange = () => wake?.();

  function finish(sequence: Sequence, snapshot: () => StateSnapshot): void {
    const { reason, pending, text } = sequence.ended!;
    const state = sequence.options.keepState ? { ...snapshot(), pending } : undefined;
    sequence.queue.end({ reason, text, ...(state && { state }) });
  }

  /** Lets a sequence take a token; a mistake in its logits is its own. */
  function accept(sequence: Sequence, logits: Float32Array, position: number): boolean {
    try {
      sequence.accept(logits, position);
      return true;
    } catch (error) {
      sequence.queue.fail(error);
      sequence.cancelled = true;
      return false;
    }
  }

  async function enter(sequence: Sequence, snapshot: StateSnapshot): Promise<void> {
    await rows.put(snapshot);
    active.push(sequence);
  }

  function leave(row: number): void {
    rows.remove(row);
    const last = active.pop()!;
    if (row < active.length) active[row] = last;
  }

  /** Reads one chunk of a prompt. */
  async function readChunk(job: Job): Promise<void> {
    const [first] = job.sequences;
    const own = readerOf(job.prompt.length);
    if (job.read === undefined) {
      if (job.from === undefined) own.reset();
      else await own.restore(job.from);
      job.read = 0;
    }
    const only = first!.maxTokens === 0;
    const scored = first!.options.scorePrompt === true;
    // Scored prompts are fed in the batch; what only reads keeps the last id for whoever goes on.
    const length = scored ? 0 : job.prompt.length - (only ? 1 : 0);
    let logits: Float32Array | undefined;
    if (job.read < length) {
      const end = Math.min(job.read + chunk, length);
      logits = await own.prefill(job.prompt.slice(job.read, end));
      job.read = end;
    }
    if (job.read >= length) job.done = { snapshot: own.save(), logits };
  }

  /** Moves sequences whose prompt has been read into free rows. */
  async function place(job: Job): Promise<void> {
    const { snapshot, logits } = job.done!;
    while (job.sequences.length > 0 && active.length < batch) {
      const sequence = job.sequences.shift()!;
      if (sequence.cancelled) continue;
      if (sequence.options.scorePrompt) {
        sequence.beginPrompt(snapshot.position);
        if (job.prompt.length === 1 && sequence.maxTokens === 0) sequence.endAfterPrompt();
      } else if (sequence.maxTokens === 0) sequence.endAfterPrompt();
      else if (!accept(sequence, logits!, snapshot.position)) continue;
      if (sequence.ended) finish(sequence, () => snapshot);
      else await enter(sequence, snapshot);
    }
  }

  async function step(): Promise<void> {
    const logits = await rows.step(active.map(({ next }) => next));
    steps++;
    // From the last row, since those behind a row that leaves move into its place.
    for (let row = active.length - 1; row >= 0; row--) {
      const sequence = active[row]!;
      const own = logits.subarray(row * vocab, (row + 1) * vocab);
      if (!accept(sequence, own, rows.position(row))) leave(row);
      else if (sequence.ended) {
        finish(sequence, () => rows.take(row));
        leave(row);
      } else if (sequence.queue.size >= ahead) {
        parked.set(sequence, rows.take(row));
        leave(row);
      }
    }
  }

  function dropCancelled(): void {
    for (let row = active.length - 1; row >= 0; row--) if (active[row]!.cancelled) leave(row);
    for (const sequence of parked.keys()) if (sequence.cancelled) parked.delete(sequence);
    for (let i = jobs.length - 1; i >= 0; i--) {
      const job = jobs[i]!;
      job.sequences = job.sequences.filter(({ cancelled }) => !cancelled);
      if (job.sequences.length === 0) jobs.splice(i, 1);
    }
  }

  const hasRead = (sequence: Sequence) => sequence.queue.size <= ahead / 2;
  const anythingToDo = () => active.length > 0 || jobs.length > 0 || [...parked.keys()].some(hasRead);

  /** One turn: those that come back, a chunk of a prompt, a step of all. */
  async function turn(): Promise<void> {
    dropCancelled();
    for (const [sequence, snapshot] of parked) {
      if (active.length === batch) break;
      if (!hasRead(sequence)) continue;
      parked.delete(sequence);
      await enter(sequence, snapshot);
    }
    const [job] = jobs;
    if (job && active.length < batch) {
      try {
        if (!job.done) await readChunk(job);
        if (job.done) await place(job);
      } catch (error) {
        for (const sequence of job.sequences) {
          sequence.cancelled = true;
          sequence.queue.fail(error);
        }
        job.sequences = [];
      }
      if (job.sequences.length === 0) jobs.shift();
    }
    if (active.length > 0) await step();
  }

  function failAll(error: unknown): void {
    const all = [...active, ...parked.keys(), ...jobs.flatMap(({ sequences }) => sequences)];
    for (const sequence of all) {
      sequence.cancelled = true;
      sequence.queue.fail(error);
    }
    dropCancelled();
  }

  const running = (async () => {
    while (!closed) {
      if (!anythingToDo()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
        dropCancelled();
        continue;
      }
      try {
        await turn();
      } catch (error) {
        failAll(error);
      }
      // Between two steps connections are served.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  })();

  return {
    model,
    tokenizer,
    batch,
    dtype,
    maxPositions,
    sizes: rows.sizes,
    get modelHash() {
      return reader.modelHash;
    },
    submit(request) {
      if (closed) throw new Error('the scheduler is closed');
      const { from, choices } = request;
      const alike = (key: (choice: SequenceOptions) => unknown) => new Set(choices.map(key)).size <= 1;
      if (!alike(({ maxTokens }) => maxTokens === 0) || !alike(({ scorePrompt }) => scorePrompt === true))
        throw new UserError('sequences of one prompt either all score it or none, and all go on from it or none');
      const prompt = promptOf(request, tokenizer);
      if (from) checkFit(from, model, 1);
      const outside = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocab));
      if (outside !== undefined)
        throw new UserError(`token id ${outside} is outside the model's vocabulary of ${vocab}`);
      const length = (from?.position ?? 0) + prompt.length;
      if (length > maxPositions)
        throw new UserError(`the prompt ends at position ${length}, past the model's ${maxPositions} positions`);
      const context = { vocab, maxPositions, tokenizer, prompt, onChange };
      const sequences = choices.map((choice) => new Sequence(choice, context));
      jobs.push({ prompt, from, sequences: [...sequences] });
      wake?.();
      return sequences.map((sequence) => ({
        end: sequence.queue.result,
        cancel: () => sequence.cancel(),
        [Symbol.asyncIterator]: () => sequence.queue[Symbol.asyncIterator](),
      }));
    },
    figures: () => ({
      active: active.length,
      waiting: jobs.reduce((sum, { sequences }) => sum + sequences.length, 0),
      parked: parked.size,
      steps,
    }),
    async dispose() {
      closed = true;
      wake?.();
      await running;
      failAll(new Error('the scheduler was closed'));
      await reader.dispose();
      await shortReader.dispose();
      await rows.dispose();
    },
  };
}
