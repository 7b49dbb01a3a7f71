/** sacrebleu-ts against Python's sacreBLEU on the same texts, in turns: whole commands, and only the scoring in a fresh process. */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { median } from '@t2r/evaluators';

const execute = promisify(execFile);

export interface CompareMetricsOptions {
  metrics: readonly string[];
  ref: string;
  hyp: string;
  /** Interpreter that has sacrebleu installed. */
  python: string;
  pairs: number;
  json: boolean;
}

export const METRIC_CASES = ['bleu', 'chrf', 'chrf++', 'ter'] as const;

/** How far two implementations of a metric may differ. */
const TOLERANCE = 1e-9;

const own = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const COMMAND = own('../../../packages/sacrebleu-ts/bin/sacrebleu-ts.js');

async function output(command: string, args: string[]): Promise<string> {
  return (await execute(command, args, { maxBuffer: 1 << 24 })).stdout.trim();
}

/** Wall time of a command in milliseconds, and the score it prints. */
async function whole(command: string, args: string[]): Promise<{ ms: number; score: number }> {
  const started = performance.now();
  const text = await output(command, args);
  return { ms: performance.now() - started, score: Number(text) };
}

const inner = async (command: string, args: string[]) =>
  JSON.parse(await output(command, args)) as { ms: number; score: number };

export async function compareMetrics(options: CompareMetricsOptions): Promise<void> {
  const { metrics, ref, hyp, python, pairs, json } = options;
  for (const metric of metrics) {
    const flags = metric === 'chrf++' ? ['-m', 'chrf', '-cw', '2'] : ['-m', metric];
    const words = [ref, '-i', hyp, ...flags, '-b', '-w', '12'];
    const texts = [metric, ref, hyp];
    const kinds = {
      // Start, reading and printing included.
      command: {
        ours: () => whole(process.execPath, [COMMAND, ...words]),
        theirs: () => whole(python, ['-m', 'sacrebleu', ...words]),
      },
      // The first scoring of a process, after the texts have been read.
      scoring: {
        ours: () => inner(process.execPath, [own('score-texts.js'), ...texts]),
        theirs: () => inner(python, [own('../../bench/score-texts.py'), ...texts]),
      },
    };
    for (const [kind, { ours, theirs }] of Object.entries(kinds)) {
      const times: { ours: number; theirs: number }[] = [];
      for (let pair = 0; pair < pairs; pair++) {
        const [a, b] = [await ours(), await theirs()];
        if (!(Math.abs(a.score - b.score) <= TOLERANCE))
          throw new Error(`${metric}: ${a.score} here, ${b.score} in Python`);
        times.push({ ours: a.ms, theirs: b.ms });
      }
      const line = {
        case: metric,
        timed: kind,
        pairs,
        ours_ms: median(times.map((time) => time.ours)),
        peer_ms: median(times.map((time) => time.theirs)),
        median_ratio: median(times.map((time) => time.theirs / time.ours)),
        min_ratio: Math.min(...times.map((time) => time.theirs / time.ours)),
      };
      if (json) console.log(JSON.stringify(line));
      else {
        const [mine, peer] = [line.ours_ms, line.peer_ms].map((ms) => ms.toFixed(0));
        const ratio = `${line.median_ratio.toFixed(2)} times as fast, at least ${line.min_ratio.toFixed(2)}`;
        console.log(`${metric} ${kind}: ${mine} ms here, ${peer} ms in Python: ${ratio}`);
      }
    }
  }
}
