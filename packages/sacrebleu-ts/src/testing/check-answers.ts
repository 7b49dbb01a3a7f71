/**
 * Reads requests with the original's answers, a JSON object a line as `fixtures/fuzz.py` prints them, and compares ours.
 * Exit code 1 if one differs by more than 1e-12 or in a word.
 */
import { createInterface } from 'node:readline';
import { answerTo, type Request } from './answer.js';
import { comparable } from './goldens.js';

const TOLERANCE = 1e-12;

interface Difference {
  path: string;
  ours: unknown;
  theirs: unknown;
}

/** Where two answers differ; numbers count as equal within the tolerance and are counted in `close`. */
function* differences(ours: unknown, theirs: unknown, path: string, close: { count: number }): Generator<Difference> {
  if (ours === theirs) return;
  if (typeof ours === 'number' && typeof theirs === 'number') {
    if (Math.abs(ours - theirs) <= TOLERANCE * Math.max(1, Math.abs(theirs))) close.count++;
    else yield { path, ours, theirs };
  } else if (typeof ours === 'object' && typeof theirs === 'object' && ours !== null && theirs !== null) {
    for (const key of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
      const [a, b] = [ours, theirs].map((side) => (side as Record<string, unknown>)[key]);
      yield* differences(a, b, `${path}.${key}`, close);
    }
  } else yield { path, ours, theirs };
}

const counts = {
  requests: 0,
  identical: 0,
  close: 0,
  bothRefuse: 0,
  different: 0,
  onlyTheyFail: {} as Record<string, number>,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { request, answer } = JSON.parse(line) as { request: Request; answer: unknown };
  const failed = (answer as { error?: string }).error;
  counts.requests++;
  let ours: unknown;
  try {
    ours = comparable(answerTo(request));
  } catch (error) {
    ours = { error: (error as Error).message };
  }
  if (failed !== undefined) {
    if ((ours as { error?: string }).error !== undefined) counts.bothRefuse++;
    else counts.onlyTheyFail[failed] = (counts.onlyTheyFail[failed] ?? 0) + 1;
    continue;
  }
  const close = { count: 0 };
  const found = [...differences(ours, comparable(answer), '', close)];
  if (found.length > 0) {
    counts.different++;
    console.log(JSON.stringify({ request, found }));
  } else if (close.count > 0) counts.close++;
  else counts.identical++;
}
console.log(JSON.stringify(counts));
process.exitCode = counts.different === 0 ? 0 : 1;
