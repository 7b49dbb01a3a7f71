/** The process that runs cases: it is killed when one does not end, and dies alone when one crashes it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CaseResult, runCase } from './cases.js';
import { TARGETS } from './targets.js';

/** Which cases to run: numbers first to end - 1. */
export interface WorkerOrder {
  target: string;
  seed: number;
  first: number;
  end: number;
}

export type WorkerMessage = { started: number } | { result: CaseResult };

const send = (message: WorkerMessage) =>
  new Promise<void>((resolve) => process.send!(message, undefined, undefined, () => resolve()));

process.once('message', async ({ target: name, seed, first, end }: WorkerOrder) => {
  const target = TARGETS.find((one) => one.name === name)!;
  const folder = await mkdtemp(join(tmpdir(), 't2r-fuzz-'));
  for (let number = first; number < end; number++) {
    await send({ started: number });
    await send({ result: await runCase(target, seed, number, join(folder, 'case')) });
  }
  await rm(folder, { recursive: true });
  process.disconnect();
});
