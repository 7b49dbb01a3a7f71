import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFakePlugin } from '../__fixtures__/fake-plugin.js';
import { temporaryFolder } from '../__fixtures__/temporary-recipe.js';
import { createRegistry } from '../registry.js';
import { type LoadRecipeOptions, loadRecipe } from './load.js';
import { formatProblem } from './problem.js';
import { resolvedRecipe } from './recipe.js';

type Files = Record<string, string>;

async function load(files: Files | string, options: Partial<LoadRecipeOptions> = {}) {
  const folder = temporaryFolder({ 'text.txt': 'text', ...(typeof files === 'string' ? { 'r.yaml': files } : files) });
  const registry = createRegistry([createFakePlugin().plugin]);
  const { recipe, problems } = await loadRecipe(join(folder, 'r.yaml'), { registry, env: {}, ...options });
  const texts = problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
  return { recipe, texts, folder };
}

/** Loads a recipe that must be right; gives its resolved steps. */
async function steps(files: Files | string, options: Partial<LoadRecipeOptions> = {}) {
  const { recipe, texts, folder } = await load(files, options);
  expect(texts).toEqual([]);
  const resolved = resolvedRecipe(recipe!).steps as Record<string, Record<string, unknown>>;
  return { resolved, recipe: recipe!, folder };
}

const CORPUS = 'corpus: { use: fake/corpus, path: text.txt }';

describe('problems', () => {
  it('reports many different mistakes in one call, each at its place', async () => {
    const { recipe, texts } = await load(`name: broken
sede: 3
vars: { n: \${vars.m} }
steps:
  corpus: { use: fake/corpus, path: missing.txt }
  text: { use: fake/corpsu, path: text.txt }
  pretrain:
    use: fake/train
    data: corpus
    stesp: 10
    rate: 2
    mode: fsat
    steps: many
    schedule: { use: cosin }
  nodata: { use: fake/train, evaluate: { evry: 5 } }
  swap: { use: fake/train, data: nothing, schedule: { use: cosine, peak: 0 } }
  kind: { use: fake/train, from: corpus, data: corpus }
  a: { use: fake/train, from: b, data: corpus }
  b: { use: fake/train, from: a, data: corpus }
  multiplied: { use: fake/train, data: corpus, matrix: { axis: 3 } }
  expected: { use: fake/train, data: corpus, expect: { lss: { at_most: 3 }, loss: { atmost: 2 } } }
  named: { use: fake/train, data: \${corpsu}, steps: 1, steps: 2 }
  bare: { data: corpus }
  number: 3
`);
    expect(recipe).toBeUndefined();
    expect(texts.map((text) => text.split(';')[0])).toEqual([
      'r.yaml:2:1: unknown top-level key "sede"',
      `r.yaml:3:12: dangling reference \${vars.m}`,
      'r.yaml:5:37: there is no file missing.txt',
      'r.yaml:6:16: unknown step "fake/corpsu"',
      'r.yaml:10:5: unknown option "stesp"',
      'r.yaml:11:11: option "rate" must be at most 1, not 2',
      'r.yaml:12:11: option "mode" must be one of fast, slow, not "fsat"',
      'r.yaml:13:12: option "steps" must be a whole number, not the string "many"',
      'r.yaml:14:22: unknown fake-schedule "cosin"',
      'r.yaml:15:11: missing required option "data"',
      'r.yaml:15:42: unknown option "evaluate.evry"',
      'r.yaml:16:34: there is no step "nothing"',
      'r.yaml:16:74: option "peak" must be more than 0, not 0',
      'r.yaml:17:34: the step "corpus" leaves an artifact of kind corpus, not checkpoint',
      'r.yaml:19:31: the steps depend on each other in a circle: a -> b -> a',
      'r.yaml:20:64: the matrix axis "axis" must be a list of at least one value, or name its values',
      'r.yaml:21:56: the step has no metric "lss"',
      'r.yaml:21:85: unknown condition "atmost"',
      `r.yaml:22:35: dangling reference \${corpsu}`,
      'r.yaml:22:56: Map keys must be unique',
      'r.yaml:23:9: missing "use", the name of a step',
      'r.yaml:24:11: the step "number" must be a mapping with "use", not 3',
    ]);
    expect(texts.find((text) => text.includes('fake/corpsu'))).toContain('did you mean "fake/corpus"?');
    expect(texts.find((text) => text.includes('stesp'))).toContain('did you mean "steps"?');
  });

  it('says what is wrong with a distance from another metric', async () => {
    const train = (expect: string) => `{ use: fake/train, data: corpus, expect: { loss: ${expect} } }`;
    const { texts } = await load(`name: x
steps:
  ${CORPUS}
  right: ${train('{ within: 1.0, of: resumed_at }')}
  other: ${train('{ within: 3%, of: [loss, lss] }')}
  alone: ${train('{ within: 1.0 }')}
  stray: ${train('{ at_most: 1, of: loss }')}
  below: ${train('{ within: -1, of: loss }')}
`);
    expect(texts).toEqual([
      expect.stringMatching(/^r\.yaml:5:.*: the step has no metric "lss"; did you mean "loss"\?/),
      expect.stringMatching(
        /^r\.yaml:6:.*: "within" needs "of", the metric that it is a distance from; within: 1\.0, of: metric/,
      ),
      expect.stringMatching(/^r\.yaml:7:.*: "of" goes with "within"; add within: distance/),
      expect.stringMatching(
        /^r\.yaml:8:.*: "within" must be a number, at least 0, or a percentage; for example 0\.5 or 3%/,
      ),
    ]);
  });

  it('points into the fragment, or at --set, where a value comes from there', async () => {
    const { texts } = await load(
      {
        'r.yaml': `extends: parts/base.yaml\nname: x\nsteps:\n  ${CORPUS}\n  train: { use: fake/train, data: corpus, schedule: "\${schedule}" }\n`,
        'parts/base.yaml': 'schedule:\n  use: cosine\n  peek: 3\n',
      },
      { set: ['steps.train.steps=0', 'steps.trian.rate=1', 'nonsense'] },
    );
    expect(texts.map((text) => text.split(';')[0])).toEqual([
      '--set nonsense: an override must be written path.to.option=value',
      'parts/base.yaml:3:3: unknown option "peek"',
      '--set steps.train.steps=0: option "steps" must be at least 1, not 0',
      '--set steps.trian.rate=1: there is no step "trian"',
    ]);
  });

  it('says what is wrong with a file it cannot read', async () => {
    const registry = createRegistry([]);
    const missing = await loadRecipe('/nowhere/r.yaml', { registry });
    expect(missing.problems.map(formatProblem)).toEqual([
      '/nowhere/r.yaml: cannot read the recipe: there is no such file',
    ]);
    const { texts } = await load(
      'name: x\nextends: [gone.yaml, r.yaml]\nsteps: { c: { use: fake/corpus, path: text.txt } }\n',
    );
    expect(texts[0]).toMatch(/^r.yaml:2:11: cannot extend "gone.yaml": there is no such file/);
    expect(texts[1]).toMatch(/^r.yaml:2:22: "r.yaml" extends itself/);
  });

  it('reports the first syntax error and what stands before it, not what follows from it', async () => {
    const { texts } = await load(`name: x
steps:
  ${CORPUS}
  a: { use: fake/train, data: corpus, from: later, rates: 1 }
  b: { use: fake/train, data: [corpus }
  later: { use: fake/train, data: corpus }
`);
    expect(texts.map((text) => text.split(';')[0])).toEqual([
      'r.yaml:4:52: unknown option "rates"',
      expect.stringMatching(/^r.yaml:5:/),
    ]);
  });

  it('reports values that refer to themselves and references that are not closed', async () => {
    const { texts } = await load(
      `name: x\nvars: { a: "\${vars.b}", b: "\${vars.a}", c: "\${vars.d" }\nsteps:\n  ${CORPUS}\n`,
    );
    expect(texts.filter((text) => text.includes(`a value refers to itself: \${vars.`))).toHaveLength(1);
    expect(texts.some((text) => text.includes('is not closed'))).toBe(true);
  });

  it('accepts neither a step where a value belongs nor a plugin that is not there', async () => {
    const { texts } = await load(
      `name: x\nplugins: [./gone.js, no-such-package-at-all]\nsteps:\n  ${CORPUS}\n  t: { use: fake/train, data: corpus, steps: "\${corpus}" }\n`,
    );
    expect(texts).toEqual([
      expect.stringContaining('r.yaml:2:11: there is no plugin file'),
      expect.stringContaining('r.yaml:2:22: the plugin no-such-package-at-all is not installed'),
      expect.stringContaining('r.yaml:5:46: the step "corpus" cannot stand here'),
    ]);
  });
});

describe('values', () => {
  it('keeps the type of a whole reference, writes others into text, merges over what is extended', async () => {
    const { resolved, folder } = await steps(
      {
        'r.yaml': `
name: x
extends: [a.yaml, b.yaml]
vars: { n: 7, file: text, same: "\${vars.n}" }
steps:
  corpus: { use: fake/corpus, path: "\${vars.file}.txt" }
  train: { use: fake/train, data: "\${corpus}", steps: "\${vars.same}", schedule: { extends: "\${schedule}", warmup: 5 } }
  other: { extends: "\${steps.train}", rate: "\${env.RATE:-0.5}", schedule: constant }
`,
        'a.yaml': 'schedule: { use: cosine, peak: 3, warmup: 1 }\n',
        'b.yaml': 'schedule: { peak: 4 }\n',
      },
      {},
    );
    expect(resolved.corpus!.path).toBe(join(folder, 'text.txt'));
    expect(resolved.train).toMatchObject({ steps: 7, data: 'corpus', schedule: { use: 'cosine', peak: 4, warmup: 5 } });
    expect(resolved.other).toMatchObject({ steps: 7, rate: 0.5, schedule: { use: 'constant', peak: 1 } });
  });

  it('takes a step that is one reference for the mapping it refers to', async () => {
    const { resolved } = await steps(`name: r\nvars: { ${CORPUS} }\nsteps:\n  text: \${vars.corpus}\n`);
    expect(resolved.text).toMatchObject({ use: 'fake/corpus' });
  });

  it('applies overrides, and drops the options of a component that is replaced', async () => {
    const text = `name: x\nschedule: { use: cosine, warmup: 3 }\nsteps:\n  ${CORPUS}\n  t: { use: fake/train, data: corpus, layers: [0, 1], schedule: "\${schedule}" }\n`;
    const { resolved, recipe } = await steps(text, {
      set: ['seed=9', 'steps.t.layers.1=5', 'steps.t.schedule.peak=2', 'schedule.use=constant', 'steps.t.mode=slow'],
    });
    expect(recipe.seed).toBe(9);
    expect(resolved.t).toMatchObject({ layers: [0, 5], mode: 'slow', schedule: { use: 'constant', peak: 2 } });
  });

  it('resolves paths against the file, and those from outside against the current folder', async () => {
    const files = {
      'r.yaml': `name: x\nextends: sub/part.yaml\nsteps:\n  c: { use: fake/corpus, path: "\${env.DATA:-.}/text.txt" }\n`,
      'sub/part.yaml': 'steps:\n  d: { use: fake/corpus, path: ../text.txt }\n',
    };
    const { resolved, folder } = await steps(files);
    expect(resolved).toMatchObject({ c: { path: join(folder, 'text.txt') }, d: { path: join(folder, 'text.txt') } });
    const { texts } = await load(files, { env: { DATA: 'elsewhere' } });
    expect(texts).toEqual([expect.stringContaining(join(process.cwd(), 'elsewhere', 'text.txt'))]);
  });

  it('leaves addresses as they are', async () => {
    const step = (path: string) => `name: x\nsteps:\n  c: { use: fake/corpus, path: "${path}" }\n`;
    for (const path of ['https://example.org/text', 'hf:owner/name@main']) {
      const { texts } = await load({ 'r.yaml': step(path) });
      expect(texts.join()).toContain(`there is no file ${path}`);
    }
  });

  it('fills in defaults of nested components, also of those that are defaults themselves', async () => {
    const { resolved } = await steps(`name: x\nsteps:\n  ${CORPUS}\n  t: { use: fake/train, data: corpus }\n`);
    expect(resolved.t!.schedule).toEqual({ use: 'cosine', peak: 1, warmup: 0 });
  });
});

describe('matrix', () => {
  const text = `
name: x
steps:
  compare: { use: fake/compare, of: [pretrain, finetune, "pretrain[seed=2]"] }
  finetune: { use: fake/train, data: corpus, from: pretrain, schedule: "\${matrix.schedule}", matrix: { mode: [fast, slow] }, mode: "\${matrix.mode}" }
  pretrain:
    use: fake/train
    data: corpus
    steps: "\${matrix.seed}"
    schedule: "\${matrix.schedule}"
    matrix: { seed: [1, 2], schedule: [constant, { use: cosine, peak: 2 }] }
    exclude: [{ seed: 1, schedule: cosine }]
  only: { use: fake/train, data: corpus, from: "pretrain[seed=2,schedule=cosine]" }
  ${CORPUS}
`;

  it('multiplies a step and the steps that refer to it singly, and gathers cells in lists', async () => {
    const { recipe, resolved } = await steps(text);
    const pretrain = ['seed=1,schedule=constant', 'seed=2,schedule=constant', 'seed=2,schedule=cosine'];
    const ids = recipe.steps.map((step) => step.id);
    expect(ids.filter((id) => id.startsWith('pretrain'))).toEqual(pretrain.map((cell) => `pretrain[${cell}]`));
    const finetune = ids.filter((id) => id.startsWith('finetune'));
    expect(finetune).toEqual(
      pretrain
        .flatMap((cell) => ['fast', 'slow'].map((mode) => `finetune[${cell},mode=${mode}]`))
        .sort((a, b) => finetune.indexOf(a) - finetune.indexOf(b)),
    );
    expect(resolved[finetune[0]!]!.from).toMatch(/^pretrain\[seed=/);
    expect(resolved['pretrain[seed=2,schedule=cosine]']).toMatchObject({
      steps: 2,
      schedule: { use: 'cosine', peak: 2 },
    });
    expect(resolved.only!.from).toBe('pretrain[seed=2,schedule=cosine]');
    expect(resolved.compare!.of).toHaveLength(3 + 6 + 2);
    expect(ids.indexOf('compare')).toBeGreaterThan(ids.indexOf(finetune.at(-1)!));
  });

  it('takes names for values that do not tell themselves apart', async () => {
    const { recipe, resolved } = await steps(`
name: x
steps:
  train:
    use: fake/train
    data: corpus
    matrix: { schedule: { slow: { use: cosine, peak: 1 }, fast: { use: cosine, peak: 2 } }, mode: [fast, slow] }
    exclude: [{ schedule: slow, mode: fast }]
    schedule: "\${matrix.schedule}"
  after: { use: fake/train, data: corpus, from: "train[schedule=fast]" }
  ${CORPUS}
`);
    expect(recipe.steps.map(({ id }) => id).filter((id) => id !== 'corpus')).toEqual([
      'train[schedule=slow,mode=slow]',
      'train[schedule=fast,mode=fast]',
      'train[schedule=fast,mode=slow]',
      'after[mode=fast]',
      'after[mode=slow]',
    ]);
    expect(resolved['train[schedule=fast,mode=slow]']!.schedule).toMatchObject({ use: 'cosine', peak: 2 });
    const wrong = async (axis: string) =>
      (await load(`name: x\nsteps:\n  t: { use: fake/train, data: corpus, matrix: { axis: ${axis} } }\n  ${CORPUS}\n`))
        .texts;
    expect(await wrong('{ use: cosine }')).toEqual([expect.stringContaining('must be a list of at least one value')]);
    expect(await wrong('{ "a,b": 1 }')).toEqual([expect.stringContaining('"a,b" cannot name a value')]);
  });

  it('reports a name that fits several cells, and axes that are not there', async () => {
    const { texts } = await load(
      text
        .replace('seed=2,schedule=cosine]" }', 'seed=3]" }')
        .replace('exclude: [{ seed: 1', 'exclude: [{ sed: 1')
        .replace(`"\${matrix.mode}"`, `"\${matrix.mood}"`),
    );
    expect(texts.map((one) => one.split(';')[0]!.replace(/^r.yaml:\d+:\d+: /, ''))).toEqual([
      `dangling reference \${matrix.mood}`,
      '"sed" is not an axis of this matrix',
      '"pretrain[seed=3]" names 0 cells of the step "pretrain"',
    ]);
  });
});
