/**
 * Tokenizer cases, over the novels in T2R_DATA/gutenberg/train: training byte-level BPE, and encoding the novels and their
 * lines with our own tokenizer and with the library of Hugging Face. `--vocab` and `--steps` (repetitions) hold for them too.
 */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { median } from '@t2r/evaluators';
import { type ByteLevelBpe, trainByteLevelBpe } from '@t2r/tokenizers';
import type { BenchCase, Figure } from './cases.js';

function novels(): string[] {
  const folder = join(process.env.T2R_DATA!, 'gutenberg', 'train');
  const names = readdirSync(folder).filter((name) => name.endsWith('.gz'));
  return names.sort().map((name) => gunzipSync(readFileSync(join(folder, name))).toString());
}

const lines = (texts: readonly string[]) => texts.flatMap((text) => text.split('\n'));
const byteCount = (texts: readonly string[]) => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

async function figure(
  name: string,
  repeats: number,
  texts: readonly string[],
  run: () => number | Promise<number>,
): Promise<Figure> {
  const times: number[] = [];
  let tokens = 0;
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    tokens = await run();
    times.push(performance.now() - started);
  }
  const [ms, min_ms] = [median(times), Math.min(...times)];
  return {
    case: name,
    threads: 1,
    ms,
    min_ms,
    tokens_per_s: tokens / (ms / 1000),
    best_tokens_per_s: tokens / (min_ms / 1000),
    mb_per_s: byteCount(texts) / 1e6 / (ms / 1000),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  };
}

const train: BenchCase = async function* ({ vocab, steps }) {
  const texts = novels();
  yield await figure('tokenizer-train', Math.min(steps, 5), texts, async () => {
    return (await trainByteLevelBpe(texts, { vocab })).vocabSize;
  });
};

const count = (tokenizer: { encode(text: string): ArrayLike<number> }, texts: readonly string[]) =>
  texts.reduce((sum, text) => sum + tokenizer.encode(text).length, 0);

const encode: BenchCase = async function* ({ vocab, steps }) {
  const texts = novels();
  const tokenizer = await trainByteLevelBpe(texts, { vocab });
  yield await figure('tokenizer-encode', steps, texts, () => count(tokenizer, texts));
  yield await figure('tokenizer-encode (lines)', steps, texts, () => count(tokenizer, lines(texts)));
};

/** The library on the first megabyte: it is that much slower. */
const library: BenchCase = async function* ({ vocab, steps }) {
  const texts = novels();
  const { Tokenizer } = await import('@huggingface/tokenizers');
  const inner = new Tokenizer(await asJson(await trainByteLevelBpe(texts, { vocab })), {});
  const tokenizer = { encode: (text: string) => inner.encode(text, { add_special_tokens: false }).ids };
  const part = [texts[0]!.slice(0, 500_000), texts[1]!.slice(0, 500_000)];
  yield await figure('tokenizer-library', Math.min(steps, 3), part, () => count(tokenizer, part));
  yield await figure('tokenizer-library (lines)', Math.min(steps, 3), part, () => count(tokenizer, lines(part)));
};

async function asJson(tokenizer: ByteLevelBpe): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), 't2r-bench-'));
  try {
    await tokenizer.save(join(folder, 'tokenizer.json'));
    return JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as object;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Cases by name; they need the novels. */
export const TOKENIZER_CASES: Record<string, BenchCase> = {
  'tokenizer-train': train,
  'tokenizer-encode': encode,
  'tokenizer-library': library,
};
