/** Beam search over any number of sources: batched by length, results in their order. */
import { UserError } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { batchSize } from './batch-size.js';
import { type BatchLimits, formBatches, sourceLength } from './batching.js';
import { readGroup } from './group.js';
import type { Hypothesis } from './hypothesis.js';
import type { SearchModel } from './model.js';
import { type BeamSearchOptions, searchSettings } from './options.js';
import { runPool } from './pool.js';
import { createProgramStore } from './program-store.js';
import type { BoundProgram } from './programs.js';
import type { SearchSource } from './sentence.js';

export interface BeamSearchSettings extends Partial<BatchLimits> {
  engine: Engine;
  model: SearchModel;
  /** Sources that are read ahead and sorted by length; results come when the longest of them is done. Default 1024. */
  window?: number;
  /** Positions of a prompt that are read at once. Default 32. */
  chunk?: number;
  /** Positions that softmax caches have room for at first; doubled as they fill. Default 32. */
  capacity?: number;
  /** Whether the batch gets smaller as its last sentences finish. Default true. */
  compact?: boolean;
  /** Compiled programs that are kept; each holds the weights. Default 12. */
  programs?: number;
}

export interface StreamOptions extends BeamSearchOptions {
  /** Ends the search with the signal's reason as the error. */
  signal?: AbortSignal;
}

/** A source, or the ids of one: a prompt, or what an encoder reads. */
export type SearchInput = Partial<SearchSource> | ArrayLike<number>;

export interface BeamSearch {
  readonly model: SearchModel;
  /** The best hypotheses of each source, best first, in the order of the sources. */
  search(sources: readonly SearchInput[], options?: StreamOptions): Promise<Hypothesis[][]>;
  /** The same, as they are found: in the order of the sources, each as soon as it and those before it are done. */
  stream(
    sources: Iterable<SearchInput> | AsyncIterable<SearchInput>,
    options?: StreamOptions,
  ): AsyncGenerator<Hypothesis[], void>;
  /** Releases the compiled programs; the engine stays open. */
  dispose(): Promise<void>;
}

/** Opens a beam search; programs are compiled when first used and kept. One call at a time. */
export function createBeamSearch({
  engine,
  model,
  sentences = 32,
  tokens = 4096,
  window = 1024,
  chunk = 32,
  capacity = 32,
  compact = true,
  programs = 12,
}: BeamSearchSettings): BeamSearch {
  const store = createProgramStore<BoundProgram>(programs);

  const toSource = (input: SearchInput): SearchSource => {
    const { prompt, ...rest }: Partial<SearchSource> = !isIds(input)
      ? input
      : model.encode
        ? { source: input }
        : { prompt: input };
    if (prompt !== undefined && prompt.length > 0) return { ...rest, prompt };
    if (model.startToken === undefined)
      throw new UserError('the prompt is empty, and the model has no token to begin a text with', {
        hint: 'Give a prompt of at least one token.',
      });
    return { ...rest, prompt: [model.startToken] };
  };

  async function* searchWindow(inputs: readonly SearchInput[], { signal, ...options }: StreamOptions) {
    const settings = searchSettings(options, model);
    const sources = inputs.map(toSource);
    const groups = formBatches(sources.map(sourceLength), { sentences, tokens });
    const context = { engine, model, settings, store, chunk, capacity };
    const found = new Array<Hypothesis[] | undefined>(sources.length);
    let next = 0;
    try {
      while (groups.length > 0) {
        const size = batchSize(groups[0]!.length);
        const nextGroup = async () => {
          const fits = groups.length > 0 && groups[0]!.length <= size;
          return fits ? readGroup(sources, groups.shift()!, context) : undefined;
        };
        for await (const { place, hypotheses } of runPool({ ...context, size, compact, signal, next: nextGroup })) {
          found[place] = hypotheses;
          for (; found[next] !== undefined; next++) yield found[next]!;
        }
      }
    } catch (error) {
      // What a model that has diverged left in caches would spoil later searches.
      await store.dispose();
      throw error;
    }
  }

  async function* stream(
    inputs: Iterable<SearchInput> | AsyncIterable<SearchInput>,
    options: StreamOptions = {},
  ): AsyncGenerator<Hypothesis[], void> {
    let ahead: SearchInput[] = [];
    for await (const input of inputs) {
      ahead.push(input);
      if (ahead.length < window) continue;
      yield* searchWindow(ahead, options);
      ahead = [];
    }
    yield* searchWindow(ahead, options);
  }

  return {
    model,
    stream,
    async search(sources, options) {
      const all: Hypothesis[][] = [];
      for await (const found of stream(sources, options)) all.push(found);
      return all;
    },
    async dispose() {
      await store.dispose();
      await model.dispose?.();
    },
  };
}

function isIds(input: SearchInput): input is ArrayLike<number> {
  return 'length' in input && (Array.isArray(input) || ArrayBuffer.isView(input));
}
