/** The text on which an export is compared, and how it is cut into sequences. */
import { readFile } from 'node:fs/promises';
import { type Artifact, createRandom, UserError } from '@t2r/core';
import { openPairs, openTokens, type PairsData, type TokensData } from '@t2r/datasets';
import type { Engine } from '@t2r/engine';
import { createGenerator } from '@t2r/generation';
import { isTranslation } from '@t2r/models';
import type { LoadedModel } from '../loaded-model.js';
import type { ParitySequence, ParityText } from './types.js';

/** How much is read. */
export interface TextLimits {
  /** Positions of a sequence at most. */
  length: number;
  /** Tokens of a source at most. */
  source: number;
  /** Tokens altogether, about. */
  tokens: number;
}

/** A stream of ids as sequences of `length` tokens, each with the token that follows. */
function windows(ids: Int32Array, { length, tokens }: TextLimits): ParitySequence[] {
  const sequences: ParitySequence[] = [];
  for (let at = 0; at + 1 < ids.length && at < tokens; at += length) {
    const end = Math.min(at + length, ids.length - 1);
    // A short rest only where there is nothing else.
    if (end - at < length && sequences.length > 0) break;
    sequences.push({ inputs: ids.slice(at, end), targets: ids.slice(at + 1, end + 1) });
  }
  return sequences;
}

/** A pair as the model is trained with it. */
function pairSequence(source: Int32Array, target: Int32Array, { tokens }: LoadedModel): ParitySequence {
  const { start, end } = tokens!;
  return {
    source: Int32Array.from([...source, end]),
    inputs: Int32Array.from([start, ...target]),
    targets: Int32Array.from([...target, end]),
  };
}

/** Pairs that fit, until there are tokens enough. */
function pairSequences(
  pairs: Iterable<{ source: Int32Array; target: Int32Array }>,
  loaded: LoadedModel,
  limits: TextLimits,
): ParitySequence[] {
  const sequences: ParitySequence[] = [];
  let count = 0;
  for (const { source, target } of pairs) {
    if (source.length + 1 > limits.source || target.length + 1 > limits.length) continue;
    if (count >= limits.tokens) break;
    sequences.push(pairSequence(source, target, loaded));
    count += target.length + 1;
  }
  return sequences;
}

/** The split to read: a test set before validation before training. */
const splitOf = (names: readonly string[]) =>
  names.find((name) => name !== 'train' && name !== 'valid') ?? names.find((name) => name === 'valid') ?? names[0];

/** Text of a `tokens` or `pairs` artifact; undefined where it is for another model or has nothing that fits. */
export function artifactText(
  { id, kind, folder, data }: Pick<Artifact, 'id' | 'kind' | 'folder' | 'data'>,
  loaded: LoadedModel,
  limits: TextLimits,
): ParityText | undefined {
  const { model } = loaded;
  const translation = isTranslation(model);
  if (kind !== (translation ? 'pairs' : 'tokens')) return undefined;
  const split = splitOf(Object.keys((data as TokensData | PairsData).splits));
  if (split === undefined) return undefined;
  const sequences = translation
    ? readPairs(folder, data as PairsData, split, loaded, limits)
    : readTokens(folder, data as TokensData, split, model.config.vocab, limits);
  return sequences.length === 0 ? undefined : { from: `split ${split} of step ${id}`, sequences };
}

function readTokens(folder: string, data: TokensData, split: string, vocab: number, limits: TextLimits) {
  if (data.vocab > vocab) return [];
  const reader = openTokens(folder, data, split);
  try {
    const ids = new Int32Array(Math.min(reader.length, limits.tokens + limits.length + 1));
    reader.read(0, ids.length, ids);
    return windows(ids, limits);
  } finally {
    reader.close();
  }
}

function readPairs(folder: string, data: PairsData, split: string, loaded: LoadedModel, limits: TextLimits) {
  const { vocab, sourceVocab = vocab } = isTranslation(loaded.model) ? loaded.model.config : { vocab: 0 };
  if (data.source.vocab !== sourceVocab || data.target.vocab !== vocab) return [];
  const reader = openPairs(folder, data, split);
  const read = function* () {
    for (let i = 0; i < reader.pairs; i++) {
      const source = new Int32Array(reader.sourceLengths[i]!);
      const target = new Int32Array(reader.targetLengths[i]!);
      reader.readSource(i, source, 0);
      reader.readTarget(i, target, 0);
      yield { source, target };
    }
  };
  try {
    return pairSequences(read(), loaded, limits);
  } finally {
    reader.close();
  }
}

/**
 * A text file, for a language model.
 *
 * @throws UserError where it cannot be read, is too short, or the model has no tokenizer
 */
export async function fileText(path: string, loaded: LoadedModel, limits: TextLimits): Promise<ParityText> {
  const { model, tokenizer } = loaded;
  if (isTranslation(model) || tokenizer === undefined)
    throw new UserError(
      `${path} cannot be read with a model ${tokenizer ? 'that translates' : 'without a tokenizer'}`,
      {
        hint: 'Leave --text out.',
      },
    );
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError(`cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  const sequences = windows(tokenizer.encode(text.slice(0, 20 * limits.tokens)), limits);
  if (sequences.length === 0) throw new UserError(`${path} has less than two tokens`, { hint: 'Give a longer text.' });
  return { from: path, sequences };
}

/** What the model itself writes, for one that comes without text; random ids for an encoder-decoder. */
export async function drawnText(engine: Engine, loaded: LoadedModel, limits: TextLimits): Promise<ParityText> {
  const { model, weights } = loaded;
  const random = createRandom(1, 'export/text');
  if (isTranslation(model)) {
    const { vocab, sourceVocab = vocab } = model.config;
    const draw = (size: number, most: number) => Int32Array.from({ length: most }, () => random.integer(size));
    const pairs = Array.from({ length: 8 }, (_, i) => ({
      source: draw(sourceVocab, Math.min(limits.source - 1, 4 + 3 * i)),
      target: draw(vocab, Math.min(limits.length - 1, 4 + 4 * i)),
    }));
    return { from: 'random ids', sequences: pairSequences(pairs, loaded, limits) };
  }
  const generator = createGenerator({ model, weights, engine });
  const sequences: ParitySequence[] = [];
  try {
    for (let count = 0; count < limits.tokens; count += limits.length) {
      const ids = [random.integer(model.config.vocab)];
      const options = { maxTokens: limits.length, seed: sequences.length + 1, stopTokens: [] };
      for await (const { id } of generator.generate(ids, options)) ids.push(id);
      sequences.push({ inputs: Int32Array.from(ids.slice(0, -1)), targets: Int32Array.from(ids.slice(1)) });
    }
  } finally {
    await generator.dispose();
  }
  return { from: 'drawn from the model', sequences };
}
