/** Every recipe of the repository is valid, and so is every fragment on its own terms: some recipe extends it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const root = resolve(import.meta.dirname, '../..');

/** YAML files below a folder, relative to the repository. */
function yamlFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => join(folder, name));
}

const recipes = yamlFiles('recipes');

describe('the shipped recipes', () => {
  // Nothing is fetched while validating, so any address will do.
  const env = { T2R_MIRROR: 'https://mirror.invalid' };

  it.each(recipes)('%s is valid', async (recipe) => {
    expect(await runCli(['validate', join(root, recipe)], env)).toMatchObject({ code: 0, err: '' });
  });

  it.each(recipes)('%s can be planned', async (recipe) => {
    const { code, out } = await runCli(['plan', join(root, recipe), '--json'], env);
    expect(code).toBe(0);
    const { steps } = JSON.parse(out) as { steps: { id: string; parameters?: number }[] };
    const at = (id: string) => steps.find((step) => step.id === id)?.parameters;
    // The swap adds feature maps and takes nothing away.
    expect(at('swap')).toBeGreaterThan(at('pretrain')!);
  });

  it('leave no fragment unused', () => {
    const texts = recipes.map((recipe) => readFileSync(join(root, recipe), 'utf8')).join();
    for (const fragment of yamlFiles('configs')) expect(texts).toContain(`../../${fragment}`);
  });

  it('say in a comment how they are run, and stay readable', () => {
    for (const recipe of recipes) {
      const text = readFileSync(join(root, recipe), 'utf8');
      expect(text).toContain(`t2r run ${recipe}`);
      expect(text.split('\n').length).toBeLessThanOrEqual(130);
    }
  });
});
