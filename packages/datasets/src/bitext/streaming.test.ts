/** A large corpus goes through `dataset/bitext` without ever being in memory. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { createStepRunner } from '../testing/step-runner.js';

const runner = createStepRunner();
afterAll(runner.dispose);

/** 150,000 pairs; a million where T2R_SLOW is set. */
const PAIRS = process.env.T2R_SLOW ? 1_000_000 : 150_000;
/** Their text alone has 500 bytes a line and side: 150 MB, or 1 GB. */
const filler = ' and some more words that make the line longer'.repeat(10);
/** What the process may grow by, hashes of the pairs (16 bytes each) included. */
const BOUND = 140e6;

it(`${PAIRS} generated pairs stay below ${BOUND / 1e6} MB`, async () => {
  for (const side of ['en', 'de']) {
    const pieces = function* () {
      for (let start = 0; start < PAIRS; start += 1000) {
        yield Array.from(
          { length: 1000 },
          (_, i) => `${side} ${start + i - ((start + i) % 10 === 9 ? 1 : 0)}${filler}\n`,
        ).join('');
      }
    };
    const path = join(runner.folder, `large.${side}.gz`);
    await pipeline(Readable.from(pieces()), createGzip({ level: 1 }), createWriteStream(path));
  }
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 10);
  try {
    const part = { source: 'large.en.gz', target: 'large.de.gz' };
    const filter = { min: 1, max: 250, ratio: 1.5, deduplicate: 'pairs' };
    const options = { source: 'en', target: 'de', root: runner.folder, train: part, filter };
    const { metrics } = await runner.run('large', 'dataset/bitext', options);
    // One pair of ten repeats the one before it.
    expect(metrics).toMatchObject({
      'train.read': PAIRS,
      'train.pairs': 0.9 * PAIRS,
      'train.filtered.duplicate': PAIRS / 10,
    });
  } finally {
    clearInterval(timer);
  }
  expect(peak - before).toBeLessThan(BOUND);
}, 600_000);
