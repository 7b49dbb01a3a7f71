/** Figures of commands run in processes of their own, so that none inherits another's memory or threads. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BENCH_DEFAULTS, type BenchOptions, type Figure, REFERENCE, type Sizes } from './cases.js';
import { watchMemory } from './child-memory.js';

const execute = promisify(execFile);

export interface ChildFigure {
  figure: Figure;
  /** Largest resident set of the process and those below it, in bytes; undefined where it cannot be seen. */
  peak?: number;
}

/** Runs a command; the last line that it prints is a figure in JSON. */
export async function figureOf(command: string, args: string[]): Promise<ChildFigure> {
  const running = execute(command, args, { maxBuffer: 1 << 24 });
  const watch = watchMemory(running.child.pid!);
  try {
    const { stdout } = await running;
    return { figure: JSON.parse(stdout.trim().split('\n').at(-1)!) as Figure, peak: watch.stop() };
  } finally {
    watch.stop();
  }
}

/** Runs one of our own cases. */
export function ownFigure(name: string, sizes: Sizes, options: Partial<BenchOptions> = {}): Promise<ChildFigure> {
  const main = fileURLToPath(new URL('main.js', import.meta.url));
  const changed = (Object.keys(REFERENCE) as (keyof Sizes)[]).filter((key) => sizes[key] !== REFERENCE[key]);
  const { contexts, ...others } = { ...BENCH_DEFAULTS, ...options };
  const given = Object.entries({ ...others, contexts: contexts.join() });
  const flags = [...changed.map((key) => [key, sizes[key]]), ...given].flatMap(([key, value]) => [
    `--${key}`,
    String(value),
  ]);
  return figureOf(process.execPath, [main, name, '--json', ...flags]);
}
