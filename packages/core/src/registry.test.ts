import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createFakePlugin } from './__fixtures__/fake-plugin.js';
import { temporaryFolder } from './__fixtures__/temporary-recipe.js';
import { describeComponent } from './describe.js';
import { UserError } from './errors.js';
import { recipeJsonSchema } from './json-schema.js';
import { editDistance, nearestName } from './nearest.js';
import { loadPlugins } from './plugins.js';
import { createRegistry } from './registry.js';

describe('nearestName', () => {
  it('counts edits and swaps', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('form', 'from')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
  });

  it('finds what was meant, and nothing where nothing is near', () => {
    const known = ['train/lm', 'evaluate/perplexity', 't2r-mlp', 'elu', 'x'];
    expect(nearestName('trian/lm', known)).toBe('train/lm');
    expect(nearestName('mlp', known)).toBe('t2r-mlp');
    expect(nearestName('T2R-MLP', known)).toBe('t2r-mlp');
    expect(nearestName('eul', known)).toBe('elu');
    expect(nearestName('relay', known)).toBeUndefined();
    expect(nearestName('y', known)).toBeUndefined();
  });
});

describe('createRegistry', () => {
  const registry = createRegistry([createFakePlugin().plugin]);

  it('creates components with their defaults', () => {
    expect(registry.create('fake-schedule', 'cosine')).toEqual({ name: 'cosine', peak: 1 });
    expect(registry.create('fake-schedule', { use: 'constant', peak: 3 })).toEqual({ name: 'constant', peak: 3 });
    expect(registry.list('fake-schedule').map((component) => component.name)).toEqual(['constant', 'cosine']);
  });

  it('explains unknown components and wrong options', () => {
    const location = { file: 'config.json' };
    const error = (() => {
      try {
        return registry.create('fake-schedule', 'cosnie', location);
      } catch (thrown) {
        return thrown;
      }
    })() as UserError;
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ message: 'unknown fake-schedule "cosnie"', location });
    expect(error.hint).toBe(
      'did you mean "cosine"? fake-schedule components: constant, cosine; a plugin that has it is named with --plugin, or under plugins: in a recipe',
    );
    expect(() => registry.create('fake-schedule', { use: 'cosine', peek: 1, peak: -1 })).toThrow(
      'fake-schedule "cosine": option "peak" must be more than 0, not -1; unknown option "peek"',
    );
  });

  it('refuses two components of one name, but not one plugin twice', () => {
    const { plugin } = createFakePlugin();
    expect(createRegistry([plugin, plugin]).plugins).toHaveLength(1);
    expect(() => createRegistry([plugin, createFakePlugin().plugin])).toThrow(/both have a step named/);
  });
});

describe('loadPlugins', () => {
  it('imports files and refuses what is no plugin', async () => {
    const folder = temporaryFolder({
      'good.mjs': "export default { name: 'good', components: [] };",
      'bad.mjs': 'export default 3;',
      'broken.mjs': 'export default (;',
    });
    const [good] = await loadPlugins(['./good.mjs'], folder);
    expect(good!.name).toBe('good');
    await expect(loadPlugins(['./bad.mjs'], folder)).rejects.toThrow('./bad.mjs is not a plugin');
    await expect(loadPlugins(['./broken.mjs'], folder)).rejects.toThrow('the plugin ./broken.mjs failed to load');
    await expect(loadPlugins(['./none.mjs'], folder)).rejects.toThrow('there is no plugin file');
    await expect(loadPlugins(['no-such-package-at-all'], folder)).rejects.toThrow('is not installed');
  });

  it('make the content of a file part of the versions of its components', async () => {
    const source = (text: string) =>
      `export default { name: 'p', components: [{ name: 'c', version: '3' }] }; // ${text}`;
    const folder = temporaryFolder({ 'a.mjs': source('a'), 'b.mjs': source('b'), 'same.mjs': source('a') });
    const version = async (file: string) => (await loadPlugins([file, file], folder))[0]!.components[0]!.version!;
    expect(await version('./a.mjs')).toMatch(/^3\+[0-9a-f]{12}$/);
    expect(await version('./same.mjs')).toBe(await version('./a.mjs'));
    expect(await version('./b.mjs')).not.toBe(await version('./a.mjs'));
  });
});

describe('describing components', () => {
  const registry = createRegistry([createFakePlugin().plugin]);

  it('lists options with types and defaults', () => {
    const rows = describeComponent(registry.get('step', 'fake/train')!);
    const row = (option: string) => rows.find((one) => one.option === option);
    expect(row('steps')).toEqual({
      option: 'steps',
      type: 'whole number >= 1',
      required: false,
      default: '3',
      description: 'How far to count.',
    });
    expect(row('data')).toMatchObject({
      type: 'step',
      required: true,
      description: 'Text. A step that makes: corpus.',
    });
    expect(row('mode')!.type).toBe('one of fast, slow');
    expect(row('schedule')).toMatchObject({ type: 'fake-schedule component', default: '{"use":"cosine"}' });
    expect(row('layers')!.type).toBe('"all" or list of whole number >= 0');
    expect(row('evaluate.every')).toMatchObject({ type: 'whole number >= 1', required: true });
  });

  it('makes a JSON Schema that refers to nothing it lacks', () => {
    const schema = recipeJsonSchema(registry);
    const text = JSON.stringify(schema);
    const definitions = schema.$defs as Record<string, unknown>;
    for (const [, name] of text.matchAll(/#\/\$defs\/([^"]+)/g)) expect(definitions).toHaveProperty([name!]);
    expect(text).not.toContain('t2rComponent');
    // zod can read a JSON Schema back, which makes it an independent judge of recipes.
    const judge = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
    const recipe = {
      name: 'x',
      steps: {
        corpus: { use: 'fake/corpus', path: 'a' },
        train: { use: 'fake/train', data: 'corpus', steps: `\${vars.n}`, schedule: { use: 'cosine', warmup: 3 } },
      },
    };
    expect(judge.safeParse(recipe).success).toBe(true);
    for (const train of [
      { ...recipe.steps.train, steps: 0 },
      { ...recipe.steps.train, stesp: 1 },
      { ...recipe.steps.train, schedule: { use: 'constant', warmup: 3 } },
      { use: 'fake/trian', data: 'corpus' },
    ]) {
      expect(judge.safeParse({ ...recipe, steps: { train } }).success).toBe(false);
    }
  });
});
