/** Runs a case here and in a peer alternately on one machine, each side in a process of its own, and gives the ratio of speeds. */
import { median } from '@t2r/evaluators';
import type { BenchOptions, Sizes } from './cases.js';
import { figureOf, ownFigure } from './child-figure.js';

export interface CompareOptions {
  name: string;
  /** Shell command of the peer; the last line it prints is a JSON object with `tokens_per_s`. */
  peer: string;
  pairs: number;
  sizes: Sizes;
  options: BenchOptions;
  json: boolean;
}

export async function compare({ name, peer, pairs, sizes, options, json }: CompareOptions): Promise<void> {
  const ratios: number[] = [];
  for (let pair = 1; pair <= pairs; pair++) {
    const { figure: ours, peak: ownPeak } = await ownFigure(name, sizes, options);
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
