import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFakePlugin } from '../__fixtures__/fake-plugin.js';
import { temporaryFolder } from '../__fixtures__/temporary-recipe.js';
import { loadRecipe } from '../recipe/load.js';
import { createRegistry } from '../registry.js';
import { readRun } from './read-run.js';
import { runRecipe } from './run.js';

async function runOnce(folder: string, steps: number, more = '') {
  writeFileSync(
    join(folder, 'r.yaml'),
    `name: r
steps:
  corpus: { use: fake/corpus, path: text.txt }
  train:
    use: fake/train
    data: corpus
    steps: ${steps}
    expect: { loss: { at_most: 1000 }, resumed_at: { at_least: 5 } }
${more}`,
  );
  const registry = createRegistry([createFakePlugin().plugin]);
  const { recipe } = await loadRecipe(join(folder, 'r.yaml'), { registry, env: {} });
  return runRecipe(recipe!, { runsFolder: join(folder, 'runs') });
}

describe('readRun', () => {
  it('gives the results that the last run made or found, with what was expected of them', async () => {
    const folder = temporaryFolder({ 'text.txt': 'text' });
    await runOnce(folder, 2);
    await runOnce(folder, 3);
    const summary = await runOnce(folder, 2);
    // A killed run leaves half a line behind.
    appendFileSync(join(summary.folder, 'events.jsonl'), '{"type":"step-e');
    const run = await readRun(summary.folder);
    expect(run.artifacts.map(({ id, key, metrics }) => ({ id, key, metrics }))).toEqual(
      Object.entries(summary.steps).map(([id, { key, metrics }]) => ({ id, key, metrics })),
    );
    expect(run.expectations).toMatchObject([
      { step: 'train', metric: 'loss', expected: 'at most 1000', met: true },
      { step: 'train', metric: 'resumed_at', expected: 'at least 5', actual: 0, met: false },
    ]);
    expect(run.events.filter(({ type }) => type === 'step-end')).toHaveLength(6);
  });

  it('leaves out what an earlier run made of a step that failed or was skipped in the last one', async () => {
    const folder = temporaryFolder({ 'text.txt': 'text' });
    await runOnce(
      folder,
      2,
      '  next: { use: fake/train, data: corpus }\n  after: { use: fake/train, data: corpus, from: next }\n',
    );
    const failed = '  next: { use: fake/fail, how: user }\n  after: { use: fake/train, data: corpus, from: next }\n';
    const summary = await runOnce(folder, 2, failed);
    expect(summary.steps).toMatchObject({ next: { status: 'failed' }, after: { status: 'skipped' } });
    expect((await readRun(summary.folder)).artifacts.map(({ id }) => id)).toEqual(['corpus', 'train']);
  });

  it('passes over lines that are no events, and says when the recipe is damaged', async () => {
    const folder = temporaryFolder({ 'text.txt': 'text' });
    const run = (await runOnce(folder, 2)).folder;
    appendFileSync(join(run, 'events.jsonl'), 'null\n5\n{"type":"step-end"}\n');
    expect((await readRun(run)).artifacts).toHaveLength(2);
    const recipe = join(run, 'recipe.resolved.yaml');
    writeFileSync(recipe, 'steps: [');
    await expect(readRun(run)).rejects.toThrow(`${recipe} is damaged`);
  });

  it('says which folder is not that of a run', async () => {
    const folder = temporaryFolder();
    await expect(readRun(folder)).rejects.toThrow(`${folder} is not the folder of a run`);
  });
});
