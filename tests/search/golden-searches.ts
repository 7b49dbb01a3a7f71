/** Beam searches of transformers' `generate` (fixtures/goldens/search/make.py), as settings of ours and what they must find. */
import { readFile } from 'node:fs/promises';
import type { AtLimit, StreamOptions } from '@t2r/generation';

interface GenerateSettings {
  num_beams: number;
  length_penalty?: number;
  early_stopping?: boolean | 'never';
  no_repeat_ngram_size?: number;
  repetition_penalty?: number;
  min_new_tokens?: number;
}

export interface GoldenSearch {
  settings: GenerateSettings;
  end: number | number[];
  /** Prompt included, filled up with `padding` to the longest; as many for each input as there are beams. */
  sequences: number[][];
  scores: number[] | null;
}

export async function goldenSearches<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`../fixtures/goldens/search/${name}.json`, import.meta.url), 'utf8')) as T;
}

/** Options of ours that search as `generate` does with these settings. */
export function optionsOf({ settings, end }: GoldenSearch, atLimit: AtLimit): StreamOptions {
  const { early_stopping = false, num_beams: beam } = settings;
  return {
    beam,
    nbest: beam,
    maxTokens: 14,
    lengthPenalty: settings.length_penalty ?? 1,
    stopping: early_stopping === 'never' ? 'bound' : early_stopping ? 'early' : 'estimate',
    noRepeatNgram: settings.no_repeat_ngram_size ?? 0,
    repetitionPenalty: settings.repetition_penalty ?? 1,
    minTokens: settings.min_new_tokens ?? 0,
    endTokens: [end].flat(),
    atLimit,
  };
}

/** Tokens of a row after the prompt, without the end token and the padding after it. */
export function newTokens(row: readonly number[], prompt: number, end: number | readonly number[]): number[] {
  const tokens = row.slice(prompt);
  const at = tokens.findIndex((id) => [end].flat().includes(id));
  return at < 0 ? tokens : tokens.slice(0, at);
}
