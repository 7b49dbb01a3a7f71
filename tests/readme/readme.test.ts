/** What the documents tell readers to type works as written. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runCli } from '../recipes/run-cli.js';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const packageReadmes = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`);
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/performance.md',
  'docs/recipes.md',
  'docs/pretrained.md',
  'docs/serving.md',
  ...packageReadmes.filter((path) => existsSync(join(root, path))),
];

/** Blocks of fenced code in a language. */
function fenced(path: string, language: string): string[] {
  return [...read(path).matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, name, code]) =>
    name === language ? [code!] : [],
  );
}

/** `t2r` command lines of a document's indented code, without the remarks that stand two spaces after them. */
function commands(path: string): string[] {
  return [...read(path).matchAll(/^ {4}(?:\$ )?(?:npx )?t2r (.*)$/gm)].map(([, rest]) => rest!.split(/ {2,}/)[0]!);
}

/** Splits a command line at spaces outside quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, bare]) => double ?? single ?? bare!);
}

/** A folder inside the repository, where packages resolve, that is removed when the test ends. */
function folderInside(): string {
  const folder = mkdtempSync(join(root, 'tests/readme/tmp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the README', () => {
  it('begins with the two lines that everything starts from', () => {
    const blocks = [...read('README.md').matchAll(/^ {4}(.*)$/gm)].map(([, line]) => line);
    expect(blocks.slice(0, 2)).toEqual(['npm ci && npm run quickstart', 'npm ci && npm test']);
  });

  it('has a recipe that is valid', async () => {
    const [recipe] = fenced('README.md', 'yaml');
    const folder = folderInside();
    for (const split of ['train', 'valid', 'test'])
      writeFileSync(join(folder, `${split}.txt`), 'once upon a time '.repeat(100));
    writeFileSync(join(folder, 'recipe.yaml'), recipe!.replaceAll('configs/', join(root, 'configs/')));
    expect(await runCli(['validate', join(folder, 'recipe.yaml')])).toMatchObject({ code: 0, err: '' });
  });

  it('names every package, and every recipe or its folder', () => {
    const text = read('README.md');
    for (const name of readdirSync(join(root, 'packages'))) expect(text).toContain(`(packages/${name})`);
    const recipes = readdirSync(join(root, 'recipes'), { recursive: true, encoding: 'utf8' });
    for (const name of recipes.filter((path) => path.endsWith('.yaml'))) {
      const links = [`(recipes/${name})`, `(recipes/${dirname(name)})`];
      expect(
        links.filter((link) => text.includes(link)),
        name,
      ).not.toEqual([]);
    }
  });
});

it.each(packageReadmes)('%s: whole recipes in it are valid', async (document) => {
  for (const [i, recipe] of fenced(document, 'yaml').entries()) {
    if (!recipe.startsWith('name:')) continue;
    const file = join(folderInside(), `${i}.yaml`);
    writeFileSync(file, recipe);
    expect(await runCli(['validate', file]), recipe).toMatchObject({ code: 0 });
  }
});

it('every package has a README', () => {
  expect(packageReadmes.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});

describe('CONTRIBUTING', () => {
  it('shows a plugin and a recipe that run as they stand', async () => {
    const folder = folderInside();
    writeFileSync(join(folder, 'count-words.js'), fenced('CONTRIBUTING.md', 'js')[0]!);
    writeFileSync(join(folder, 'words.yaml'), fenced('CONTRIBUTING.md', 'yaml')[0]!);
    const result = await runCli(['run', join(folder, 'words.yaml'), '--runs', join(folder, 'runs'), '--json']);
    expect(result.code).toBe(0);
    expect(JSON.parse(result.out).steps.count.metrics).toEqual({ words: 6 });
  });
});

describe.each(documents)('%s', (document) => {
  const cases = commands(document);

  it.runIf(cases.length > 0)('gives commands that exist, with options that exist', async () => {
    for (const line of cases) {
      const args = words(line);
      const help = await runCli(['help', args[0]!]);
      expect(help.out, line).toContain(`Usage: t2r ${args[0]}`);
      for (const option of args.filter((word) => /^--?[a-z]/.test(word))) expect(help.out, line).toContain(option);
    }
  });

  it.runIf(cases.length > 0)('gives commands that work', async () => {
    const readOnly = ['validate', 'plan', 'list', 'describe', 'schema'];
    for (const line of cases) {
      const args = words(line.split(' > ')[0]!).map((word) => (word.startsWith('recipes/') ? join(root, word) : word));
      if (!readOnly.includes(args[0]!) || args.some((word) => /[<>[]|^recipe\.yaml$/.test(word))) continue;
      expect((await runCli(args)).code, line).toBe(0);
    }
  });

  it('has no link to a file that is not there', () => {
    for (const [, target] of read(document).matchAll(/\]\(([^)#:]+)\)/g)) {
      expect(existsSync(join(root, dirname(document), target!)), target).toBe(true);
    }
  });
});

it('npm scripts that the documents name exist', () => {
  const scriptsIn = (folder: string) =>
    Object.keys((JSON.parse(read(join(folder, 'package.json'))) as { scripts: Record<string, string> }).scripts);
  for (const document of documents) {
    for (const [, name, scope] of read(document).matchAll(/npm run ([a-z:-]+)(?: -w @t2r\/([a-z]+))?/g))
      expect(scriptsIn(scope === undefined ? '.' : join('packages', scope)), document).toContain(name);
  }
});
