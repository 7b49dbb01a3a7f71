/** Runs a case here and in a peer alternately on one machine and gives the ratio of their speeds. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WeightFormat } from '@t2r/engine';
import { type Figure, REFERENCE, type Sizes } from './cases.js';
import { watchMemory } from './child-memory.js';
import { median } from './median.js';

const execute = promisify(execFile);

export interface CompareOptions {
  name: string;
  /** Shell command of the peer; the last line it prints is a JSON object with `tokens_per_s`. */
  peer: string;
  pairs: number;
  sizes: Sizes;
  dtype: WeightFormat;
  json: boolean;
}

/** Each side in a process of its own, so that neither inherits the other's memory or threads. */
async function figureOf(command: string, args: string[]): Promise<{ figure: Figure; peak?: number }> {
  const running = execute(command, args, { maxBuffer: 1 << 24 });
  const watch = watchMemory(running.child.pid!);
  try {
    const { stdout } = await running;
    return { figure: JSON.parse(stdout.trim().split('\n').at(-1)!) as Figure, peak: watch.stop() };
  } finally {
    watch.stop();
  }
}

export async function compare({ name, peer, pairs, sizes, dtype, json }: CompareOptions): Promise<void> {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const changed = (Object.keys(REFERENCE) as (keyof Sizes)[]).filter((key) => sizes[key] !== REFERENCE[key]);
  const own = [main, name, '--json', '--dtype', dtype, ...changed.flatMap((key) => [`--${key}`, String(sizes[key])])];
  const ratios: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const { figure: ours, peak: ownPeak } = await figureOf(process.execPath, own);
    const { figure: theirs, peak: peerPeak } = await figureOf('/bin/sh', ['-c', peer]);
    const ratio = ours.tokens_per_s / theirs.tokens_per_s;
    ratios.push(ratio);
    const line = {
      case: name,
      pair,
      ours_tokens_per_s: ours.tokens_per_s,
      peer_tokens_per_s: theirs.tokens_per_s,
      ratio,
      peer_peak_rss_bytes: peerPeak,
      memory_ratio: ownPeak !== undefined && peerPeak !== undefined ? ownPeak / peerPeak : undefined,
    };
    if (json) console.log(JSON.stringify({ ...line, peak_rss_bytes: ours.peak_rss_bytes }));
    else {
      const speeds = `${ours.tokens_per_s.toFixed(0)} : ${theirs.tokens_per_s.toFixed(0)} tokens/s`;
      const memory =
        line.memory_ratio === undefined ? '' : `, peak memory ${line.memory_ratio.toFixed(2)} times the peer's`;
      console.log(`pair ${pair}: ${speeds}, ratio ${ratio.toFixed(3)}${memory}`);
    }
  }
  const summary = { case: name, pairs, median_ratio: median(ratios), min_ratio: Math.min(...ratios) };
  console.log(json ? JSON.stringify(summary) : `median ratio ${summary.median_ratio.toFixed(3)} over ${pairs} pairs`);
}
