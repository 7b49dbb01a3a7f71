/**
 * Damages tokenizer files at random and loads them:
 *
 *     node tools/dist/fuzz/tokenizers.js [--cases 20000] [--seed 1] [--from 0]
 *
 * Every case must end in a tokenizer that encodes and decodes, or in a UserError; within two seconds; and the process that
 * does it must stay below 500 MB. Cases are a function of the seed and their number: `--from 1234 --cases 1` repeats one.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Outcome, runTokenizerCase, tokenizerBases } from './tokenizer-cases.js';

const SLOWEST_MS = 2000;
const LARGEST_BYTES = 500e6;

const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    child: { type: 'boolean', default: false },
  },
});
const [cases, seed, from] = [Number(values.cases), Number(values.seed), Number(values.from)];

async function child(): Promise<void> {
  const bases = await tokenizerBases();
  for (let index = from; index < from + cases; index++) {
    process.send!({ index });
    process.send!({ index, done: await runTokenizerCase(seed, index, bases), rss: process.memoryUsage.rss() });
  }
  process.disconnect();
}

interface Message {
  index: number;
  done?: Outcome;
  rss?: number;
}

/** Runs cases in a process of their own, and goes on behind one that kills or stops it. */
async function parent(): Promise<void> {
  const faults: string[] = [];
  const counts = { cases: 0, loaded: 0, refused: 0, slowest_ms: 0, peak_rss_bytes: 0 };
  let next = from;
  while (next < from + cases) {
    const worker = fork(fileURLToPath(import.meta.url), [
      '--child',
      ...['--seed', String(seed), '--from', String(next), '--cases', String(from + cases - next)],
    ]);
    let current = next;
    let timer: NodeJS.Timeout | undefined;
    worker.on('message', ({ index, done, rss = 0 }: Message) => {
      current = index;
      clearTimeout(timer);
      if (done === undefined) {
        timer = setTimeout(() => {
          faults.push(`case ${index}: no end after ${4 * SLOWEST_MS} ms`);
          worker.kill('SIGKILL');
        }, 4 * SLOWEST_MS);
        return;
      }
      next = index + 1;
      counts.cases++;
      counts[done.loaded ? 'loaded' : 'refused']++;
      counts.slowest_ms = Math.max(counts.slowest_ms, done.ms);
      counts.peak_rss_bytes = Math.max(counts.peak_rss_bytes, rss);
      if (done.fault !== undefined) faults.push(`case ${index}: ${done.fault}`);
      if (done.ms > SLOWEST_MS) faults.push(`case ${index}: took ${done.ms.toFixed(0)} ms`);
      if (rss > LARGEST_BYTES) faults.push(`case ${index}: ${(rss / 1e6).toFixed(0)} MB`);
      if (counts.cases % 1000 === 0) console.error(`${counts.cases} cases, ${faults.length} faults`);
    });
    const code = await new Promise<number | null>((resolve) => worker.on('exit', resolve));
    clearTimeout(timer);
    if (next < from + cases) {
      if (code !== null) faults.push(`case ${current}: the process ended with code ${code}`);
      next = current + 1;
    }
  }
  console.log(JSON.stringify({ seed, ...counts, slowest_ms: Math.round(counts.slowest_ms), faults: faults.length }));
  for (const fault of faults.slice(0, 20)) console.log(fault);
  if (faults.length > 0) process.exitCode = 1;
}

await (values.child ? child() : parent());
