/** The library runs where there is nothing of Node, and leaves out of a bundle what is not used. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { build, type Rolldown } from 'vite';
import { expect, it, onTestFinished } from 'vitest';
import { corpusBleu, VERSION } from './index.js';

const root = join(import.meta.dirname, '..');

/** A minified script that leaves its exports in the global `result`. */
async function bundle(code: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sacrebleu-ts-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const entry = join(folder, 'entry.js');
  writeFileSync(entry, code.replaceAll("'sacrebleu-ts'", JSON.stringify(join(root, 'src/index.ts'))));
  const output = (await build({
    root: folder,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: true, lib: { entry, formats: ['iife'], name: 'result' } },
  })) as Rolldown.RolldownOutput[];
  return output[0]!.output[0]!.code;
}

it('scores in a context with no globals but those of the language', async () => {
  const code = await bundle(`
    import { corpusBleu, corpusChrf, corpusTer } from 'sacrebleu-ts';
    const texts = [['The cat sat.'], [['A cat sat.']], { bootstrap: 20 }];
    export const lines = [corpusBleu, corpusChrf, corpusTer].map((score) => score(...texts).format());`);
  const { lines } = runInNewContext(`${code}; result`, {}) as { lines: string[] };
  expect(lines[0]).toBe(corpusBleu(['The cat sat.'], [['A cat sat.']], { bootstrap: 20 }).format());
  expect(lines).toHaveLength(3);
});

it('a bundle with TER only has neither the tokenizers of BLEU nor chrF', async () => {
  const [all, ter] = await Promise.all([
    bundle("export * from 'sacrebleu-ts';"),
    bundle("export { createTer } from 'sacrebleu-ts';"),
  ]);
  expect(all).toContain('spBLEU-1K');
  expect(ter).not.toMatch(/spBLEU-1K|chrF|fancy/);
  expect(ter.length).toBeLessThan(all.length * 0.7);
  expect(all.length).toBeLessThan(40_000);
});

it('imports nothing from Node outside the command line', () => {
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const library = files.filter((name) => name.endsWith('.ts') && !/^(cli|testing)\/|\.test\.ts$/.test(name));
  expect(library.length).toBeGreaterThan(30);
  for (const name of library) {
    const text = readFileSync(join(import.meta.dirname, name), 'utf8');
    expect(text, name).not.toMatch(/from '(node:|(?!\.)[^']+)'|\b(process|Buffer|require)\./);
  }
});

it('its version is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
});
