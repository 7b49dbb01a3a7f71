/** What `python -m sacrebleu` 2.6.0 printed, on both outputs, and its exit codes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFixture, withoutVersion } from '../testing/goldens.js';
import { runCli } from '../testing/terminal.js';

interface Goldens {
  files: Record<string, string>;
  gzipped: Record<string, string>;
  encoded: Record<string, [text: string, encoding: string]>;
  cases: {
    arguments: string[];
    stdin: string;
    environment: Record<string, string>;
    code: number;
    stdout: string;
    /** Null where it was a stack trace. */
    stderr: string | null;
  }[];
}

const { files, gzipped, encoded, cases } = readFixture('cli.json') as Goldens;
const before = process.cwd();
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sacrebleu-ts-'));
  process.chdir(folder);
  mkdirSync('systems');
  for (const [name, text] of Object.entries(files)) writeFileSync(name, text);
  for (const [name, text] of Object.entries(gzipped)) writeFileSync(name, gzipSync(text));
  for (const [name, [text, encoding]] of Object.entries(encoded)) {
    const bytes = encoding === 'utf-16' ? Buffer.from(`\ufeff${text}`, 'utf16le') : Buffer.from(text, 'latin1');
    writeFileSync(name, bytes);
  }
});
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

/** Explains the test in words of ours; the table, the title and the signatures are the original's. */
const withoutExplanation = (text: string) =>
  text.replace(/(\nPaired .*\n-+\n)[\s\S]*?(\n-+\nMetric signatures\n)/, '$1$2');

/** Progress of the original's that has no counterpart, as every line is read once. */
const withoutProgress = (text: string) =>
  text.replace(/^sacreBLEU: ( > Performing|Pre-computing|Computing) .*\n/gm, '');

/** Problems that are told in the original's words, so that they can be looked for. */
const SAME_WORDS =
  /^$|different lengths|FATAL|Paired tests require|Use paired tests|Only one|Statistical tests|tokenized period|Consider using|Found|Ignoring/;

describe('like the original', () => {
  it.each(cases.map((each, i) => [i, each.arguments.join(' '), each] as const))('%i: %s', async (_, __, golden) => {
    const { code, out, err } = await runCli(golden.arguments, { stdin: golden.stdin, env: golden.environment });
    expect(code).toBe(golden.code);
    const shown = (text: string) => withoutVersion(withoutExplanation(text));
    expect(shown(out)).toBe(shown(golden.stdout));
    if (golden.stderr === null || !SAME_WORDS.test(golden.stderr)) expect(err).not.toBe('');
    else expect(err).toBe(withoutProgress(golden.stderr));
  });
});
