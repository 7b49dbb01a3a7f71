/** How fast a training run is: tokens a second, and the share of a step that is spent outside the engine. */
import type { Metrics } from '@t2r/core';

export interface Clock {
  /** Notes a step: its tokens, its seconds altogether and those in the engine. */
  add(tokens: number, seconds: number, engineSeconds: number): void;
  /** Since the clock was made; evaluations, checkpoints and compiling do not count. */
  tokensPerSecond(): number;
  /** Figures of the steps noted, and the process's peak resident memory. */
  metrics(): Metrics;
}

export function createClock(): Clock {
  let all = 0;
  let total = 0;
  let inEngine = 0;
  const tokensPerSecond = () => all / total;
  return {
    add(tokens, seconds, engineSeconds) {
      all += tokens;
      total += seconds;
      inEngine += engineSeconds;
    },
    tokensPerSecond,
    metrics: () => ({
      ...(all > 0 ? { tokens_per_s: tokensPerSecond(), host_share: 1 - inEngine / total } : {}),
      // Node gives kibibytes.
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    }),
  };
}
