/** Runs the command line inside this process, with its output kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '@t2r/cli';
import picocolors from 'picocolors';
import { onTestFinished } from 'vitest';

export interface CliResult {
  code: number;
  out: string;
  err: string;
}

/** Calls `t2r` with arguments; the environment is `env` alone, standard input `stdin` in pieces of a few bytes. */
export async function runCli(args: string[], env: Record<string, string> = {}, stdin?: Uint8Array): Promise<CliResult> {
  const result = { code: 0, out: '', err: '' };
  result.code = await main(args, {
    out: (text) => {
      result.out += text;
    },
    err: (text) => {
      result.err += text;
    },
    live: false,
    colors: picocolors.createColors(false),
    stdin: async () => stdin && Buffer.from(stdin).toString(),
    stdinBytes: () => stdin && pieces(stdin),
    env,
  });
  return result;
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 't2r-tests-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
