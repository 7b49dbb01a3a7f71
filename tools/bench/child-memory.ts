/** Peak resident memory of a running command and the processes it starts, from /proc; Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds between two looks. */
const EVERY = 50;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // The process has ended, or there is no /proc.
  }
}

function childrenOf(pid: number): number[] {
  let tasks: string[];
  try {
    tasks = readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
  return tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).split(' ').filter(Boolean).map(Number));
}

/** Largest resident set that a process or one below it has had so far, in bytes. */
function peakOf(pid: number): number {
  const kibibytes = Number(/^VmHWM:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  return Math.max(kibibytes * 1024, ...childrenOf(pid).map(peakOf));
}

/** Watches a process until `stop`, which gives its peak; undefined where it cannot be seen. */
export function watchMemory(pid: number): { stop(): number | undefined } {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, peakOf(pid));
  };
  look();
  const timer = setInterval(look, EVERY);
  return {
    stop() {
      clearInterval(timer);
      return peak === 0 ? undefined : peak;
    },
  };
}
