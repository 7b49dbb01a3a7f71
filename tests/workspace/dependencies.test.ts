/** The shape of the house: packages declare what they import, and imports point one way. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));

/** Each row may import from the rows below it, and nothing from its own or those above. */
const ROWS = [
  ['cli', 'web'],
  ['report', 'server', 'export', 'evaluators', 'trainers'],
  ['generation'],
  ['datasets', 'zoo'],
  ['tokenizers', 'models'],
  ['attention'],
  ['engine'],
  ['core'],
  ['sacrebleu-ts'],
];

const rowOf = (name: string) => ROWS.findIndex((row) => row.includes(name));
const isTest = (path: string) => /\.test\.ts$|__fixtures__|\/testing\/|test-context\.ts$/.test(path);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Packages that a file imports or finds with `require.resolve`, type-only imports included. */
function imports(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const found = [
    ...text.matchAll(
      /^(?:import|export)\b[^;'"]*?from '([^']+)'|^import '([^']+)'|\b(?:import|require\.resolve)\('([^']+)'\)/gm,
    ),
  ];
  return found
    .map((match) => (match[1] ?? match[2] ?? match[3])!)
    .filter((name) => !/^(?:\.|#|node:)/.test(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
}

describe.each(readdirSync(PACKAGES))('%s', (name) => {
  const manifest = JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8'));
  const files = sources(join(PACKAGES, name, 'src'));
  const used = new Set(files.filter((path) => !isTest(path)).flatMap(imports));
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
  // Loaded by name at run time, when they are installed.
  const optional = Object.keys(manifest.peerDependenciesMeta ?? {});

  it('declares what it imports, and nothing else', () => {
    expect([...used].filter((other) => !declared.has(other))).toEqual([]);
    // The command line brings the runtime that the engine leaves to its user.
    const brought = name === 'cli' ? ['onnxruntime-node'] : [];
    expect([...declared].filter((other) => ![...used, ...optional, ...brought].includes(other))).toEqual([]);
  });

  it('imports only from packages below it', () => {
    expect(rowOf(name), 'a new package needs a row').toBeGreaterThanOrEqual(0);
    const others = [...used].filter((other) => other.startsWith('@t2r/')).map((other) => other.slice('@t2r/'.length));
    expect(others.filter((other) => rowOf(other) <= rowOf(name))).toEqual([]);
  });
});
