/** Translation of a file by a checkpoint against transformers' `generate` with the same weights and beam, in turns. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from '@t2r/evaluators';

const execute = promisify(execFile);

export interface TranslationsOptions {
  /** Checkpoint folder of the peer's weights: softmax attention, pre-norm. */
  checkpoint: string;
  /** More checkpoints that translate the same file, without a peer: a converted model. */
  others: readonly string[];
  /** A sentence a line. */
  sources: string;
  /** Interpreter that has torch and transformers. */
  python: string;
  beam: number;
  batch: number;
  threads: number;
  pairs: number;
  json: boolean;
}

const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));

async function lastLine<T>(command: string, args: string[]): Promise<T> {
  const { stdout } = await execute(command, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as T;
}

/** Prints sentences a second of every pair and the medians; the peer gets the sources as given and sorted by length. */
export async function compareTranslations(options: TranslationsOptions): Promise<void> {
  const { checkpoint, others, sources, python, beam, batch, threads, pairs, json } = options;
  const folder = await mkdtemp(join(tmpdir(), 't2r-translations-'));
  const results = join(folder, 'results.json');
  const count = (await readFile(sources, 'utf8')).replace(/\n$/, '').split('\n').length;
  const speed = (ms: number) => count / (ms / 1000);
  const all: Record<string, number[]> = {};
  const print = (line: Record<string, unknown>) =>
    console.log(
      json
        ? JSON.stringify(line)
        : Object.entries(line)
            .map(([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
            .join('  '),
    );
  try {
    for (let pair = 1; pair <= pairs; pair++) {
      const line: Record<string, number> = {};
      for (const [i, model] of [...others, checkpoint].entries()) {
        const name = i < others.length ? `other_${i + 1}` : 'ours';
        const args = [own('translate-file.js'), model, sources, beam, batch, threads, results].map(String);
        const { first_ms, ms } = await lastLine<{ first_ms: number; ms: number }>(process.execPath, args);
        line[`${name}_first`] = speed(first_ms);
        line[name] = speed(ms);
      }
      for (const order of ['given', 'sorted']) {
        const script = own('../../bench/translate-file.py');
        const args = [script, checkpoint, results, beam, batch, threads, order].map(String);
        const { ms, same } = await lastLine<{ ms: number; same: number }>(python, args);
        line[`peer_${order}`] = speed(ms);
        line[`ratio_${order}`] = line.ours! / speed(ms);
        line[`same_${order}`] = same;
      }
      for (const [key, value] of Object.entries(line)) all[key] = [...(all[key] ?? []), value];
      print({ case: 'translations', pair, ...line });
    }
    const medians = Object.fromEntries(Object.entries(all).map(([key, values]) => [key, median(values)]));
    print({ case: 'translations', pairs, sentences: count, beam, batch, threads, ...medians });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
