/** Every recipe of the repository is valid, and so is every fragment on its own terms: some recipe extends it. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { runCli } from './run-cli.js';

const root = resolve(import.meta.dirname, '../..');

/** YAML files below a folder, relative to the repository. */
function yamlFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}

const recipes = yamlFiles('recipes');

/** A file and all that it extends, whatever the depth. References may stand without quotes, which plain YAML does not know. */
function withFragments(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\$\{[^}]*\}/g, 'reference');
  const { extends: others = [] } = parse(text) as { extends?: string | string[] };
  return [file, ...[others].flat().flatMap((other) => withFragments(normalize(join(dirname(file), other))))];
}

interface PlannedStep {
  id: string;
  use: string;
  inputs: string[];
  parameters?: number;
  flops?: number;
}

describe('the shipped recipes', () => {
  // Nothing is fetched while validating, so any address will do.
  const env = { T2R_MIRROR: 'https://mirror.invalid' };
  // The cache of models of whoever runs the tests is not looked into.
  beforeEach(() => void vi.stubEnv('HF_HOME', join(root, 'nowhere')));
  afterEach(() => void vi.unstubAllEnvs());

  it.each(recipes)('%s is valid', async (recipe) => {
    expect(await runCli(['validate', join(root, recipe)], env)).toMatchObject({ code: 0, err: '' });
  });

  it.each(recipes)('%s can be planned', async (recipe) => {
    const { code, out } = await runCli(['plan', join(root, recipe), '--json'], env);
    expect(code).toBe(0);
    const { steps } = JSON.parse(out) as { steps: PlannedStep[] };
    const parameters = (id: string) => steps.find((step) => step.id === id)!.parameters as number;
    // What a model that has not been downloaded yet costs is not known, nor what is made of it.
    const unknown = new Set<string>();
    for (const { id, use, inputs, flops } of steps) {
      const loading = use === 'zoo/load' && parameters(id) === undefined;
      if (loading || inputs.some((input) => unknown.has(input))) unknown.add(id);
      if (unknown.has(id)) continue;
      if (use.startsWith('train/')) expect(flops, id).toBeGreaterThan(0);
      if (use !== 'convert/swap') continue;
      // The swap adds the parameters of feature maps, where they have any, and takes nothing away.
      expect(parameters(id), id).toBeGreaterThanOrEqual(parameters(inputs[0]!));
    }
  });

  it('leave no fragment unused', () => {
    const used = new Set(recipes.flatMap(withFragments));
    expect(yamlFiles('configs').filter((fragment) => !used.has(fragment))).toEqual([]);
  });

  it('say in a comment how they are run, and stay readable', () => {
    for (const recipe of recipes) {
      const text = readFileSync(join(root, recipe), 'utf8');
      expect(text).toContain(`t2r run ${recipe}`);
      expect(text.split('\n').length).toBeLessThanOrEqual(130);
    }
  });
});
