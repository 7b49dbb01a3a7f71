/** The examples of the README print what it says, and its flags exist. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { OPTIONS } from './cli/options.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);

it('has examples', () => expect(examples.length).toBe(3));

it.each(examples.map((code, i) => [i, code] as const))('example %i', async (_, code) => {
  const folder = mkdtempSync(join(import.meta.dirname, 'tmp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const printed: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((...parts) => void printed.push(parts.join(' ')));
  onTestFinished(() => log.mockRestore());
  const file = join(folder, 'example.ts');
  writeFileSync(file, code);
  await import(file);
  const expected = [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, text]) => text!);
  expect(expected.length).toBeGreaterThan(0);
  expect(printed.join(', ')).toBe(expected.join(', '));
});

it('names flags that exist', () => {
  const known = OPTIONS.flatMap(({ names }) => names);
  const named = [...readme.matchAll(/(?:sacrebleu-ts .*?|`)(--[a-z][\w-]*)/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(8);
  for (const name of named) expect(known).toContain(name);
});
