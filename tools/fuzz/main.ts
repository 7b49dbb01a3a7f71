/**
 * Fuzzing of file readers: `npm run fuzz -- [target ...] [--cases 20000] [--seed 1]`. The cases are shared out among the
 * targets. Each runs in a process of its own that may not crash, hang or take too much memory; every file is either
 * read or refused with a UserError. A find is printed with its number, and `--only <number>` runs it again.
 */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CaseResult, LIMITS } from './cases.js';
import { TARGETS } from './targets.js';
import type { WorkerMessage, WorkerOrder } from './worker.js';

const USAGE = `usage: npm run fuzz -- [target ...] [--cases 20000] [--seed 1] [--only number]
targets: ${TARGETS.map(({ name }) => name).join(', ')} (default: all)`;

function fail(message: string): never {
  console.error(`error: ${message}\n${USAGE}`);
  process.exit(2);
}

/** Runs cases in one process until it ends; returns the number of the case to go on with. */
function runWorker(order: WorkerOrder, onResult: (result: CaseResult) => void): Promise<number> {
  return new Promise((resolve) => {
    const child = fork(join(import.meta.dirname, 'worker.js'), { execArgv: ['--max-old-space-size=400'] });
    let current = order.first;
    let running = false;
    let timer: NodeJS.Timeout | undefined;
    child.on('message', (message: WorkerMessage) => {
      clearTimeout(timer);
      if ('started' in message) {
        current = message.started;
        running = true;
        timer = setTimeout(() => child.kill('SIGKILL'), 2 * LIMITS.milliseconds);
      } else {
        running = false;
        onResult(message.result);
      }
    });
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!running) return resolve(order.end);
      const find =
        signal === 'SIGKILL' ? 'does not end, or was killed' : `the process died (${signal ?? `exit code ${code}`})`;
      const { target } = order;
      onResult({ target, number: current, outcome: 'find', milliseconds: 2 * LIMITS.milliseconds, bytes: 0, find });
      resolve(current + 1);
    });
    child.send(order);
  });
}

async function fuzz(target: string, seed: number, first: number, end: number): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const take = (result: CaseResult) => {
    results.push(result);
    if (result.find !== undefined) console.log(`${target} ${result.number}: ${result.find}`);
  };
  for (let next = first; next < end; ) next = await runWorker({ target, seed, first: next, end }, take);
  return results;
}

function report(target: string, results: readonly CaseResult[], seconds: number): void {
  const count = (outcome: CaseResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const most = (field: 'milliseconds' | 'bytes') => Math.max(...results.map((result) => result[field]));
  console.log(
    [
      target.padEnd(16),
      `${results.length} cases in ${seconds.toFixed(0)} s`,
      `${count('read')} read`,
      `${count('refused')} refused`,
      `${count('find')} finds`,
      `slowest ${most('milliseconds').toFixed(0)} ms`,
      `peak ${(most('bytes') / 1e6).toFixed(0)} MB`,
    ].join('  '),
  );
}

const { values, positionals } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        cases: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        only: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    return fail((error as Error).message);
  }
})();

function whole(name: 'cases' | 'seed' | 'only'): number {
  const number = Number(values[name]);
  return Number.isInteger(number) && number >= 0 ? number : fail(`--${name} must be a whole number`);
}

if (values.help) console.log(USAGE);
else {
  const unknown = positionals.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) fail(`there is no target '${unknown}'`);
  const names = positionals.length > 0 ? positionals : TARGETS.map(({ name }) => name);
  const seed = whole('seed');
  const [first, end] =
    values.only === undefined ? [0, Math.ceil(whole('cases') / names.length)] : [whole('only'), whole('only') + 1];
  let finds = 0;
  for (const name of names) {
    const started = performance.now();
    const results = await fuzz(name, seed, first, end);
    report(name, results, (performance.now() - started) / 1000);
    finds += results.filter(({ outcome }) => outcome === 'find').length;
  }
  process.exitCode = finds > 0 ? 1 : 0;
}
