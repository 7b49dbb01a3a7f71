import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createFakePlugin } from '../__fixtures__/fake-plugin.js';
import { temporaryFolder } from '../__fixtures__/temporary-recipe.js';
import type { TimedEvent } from '../events.js';
import { loadRecipe } from '../recipe/load.js';
import { formatProblem } from '../recipe/problem.js';
import { createRegistry } from '../registry.js';
import { planRecipe } from './plan.js';
import { readRun } from './read-run.js';
import { type RunOptions, runRecipe } from './run.js';

const RECIPE = `
name: x
steps:
  report: { use: fake/report }
  corpus: { use: fake/corpus, path: text.txt }
  pretrain: { use: fake/train, data: corpus, steps: 4 }
  finetune: { use: fake/train, data: corpus, from: pretrain, expect: { loss: { at_most: 0.5 } } }
`;

/** A folder with a recipe and its corpus, and ways to run it. */
function setUp(text = RECIPE) {
  const folder = temporaryFolder({ 'r.yaml': text, 'text.txt': 'some text' });
  const { plugin, ran } = createFakePlugin();
  const registry = createRegistry([plugin]);
  const load = async (set: string[] = [], file = 'r.yaml') => {
    const { recipe, problems } = await loadRecipe(join(folder, file), { registry, set });
    expect(problems.map(formatProblem)).toEqual([]);
    return recipe!;
  };
  const run = async (set: string[] = [], options: RunOptions = {}) =>
    runRecipe(await load(set), { runsFolder: join(folder, 'runs'), ...options });
  /** Ids of the steps run since the last call. */
  const justRan = () => ran.splice(0);
  return { folder, registry, load, run, justRan };
}

const statuses = (summary: { steps: Record<string, { status: string }> }) =>
  Object.fromEntries(Object.entries(summary.steps).map(([id, step]) => [id, step.status]));

describe('a run', () => {
  it('runs each step after its inputs, and nothing the second time', async () => {
    const { folder, run, justRan } = setUp();
    const events: TimedEvent[] = [];
    const first = await run([], { onEvent: (event) => events.push(event) });
    expect(justRan()).toEqual(['corpus', 'pretrain', 'finetune', 'report']);
    expect(first.status).toBe('done');
    expect(first.steps.pretrain!.metrics.loss).toBe(0.25);
    const lines = readFileSync(join(folder, 'runs/x/events.jsonl'), 'utf8').trimEnd().split('\n');
    // Of quick progress the file keeps the first and the last event, of everything else all.
    const kept = events.filter((event) => event.type !== 'progress' || event.done === 1 || event.done === event.total);
    expect(lines.map((line) => JSON.parse(line) as TimedEvent)).toEqual(kept);
    expect(parse(readFileSync(join(folder, 'runs/x/recipe.resolved.yaml'), 'utf8'))).toMatchObject({
      seed: 1,
      steps: { pretrain: { steps: 4, rate: 0.1 }, finetune: { expect: { loss: { at_most: 0.5 } } } },
    });

    const second = await run();
    expect(justRan()).toEqual([]);
    expect(statuses(second)).toEqual({ corpus: 'cached', pretrain: 'cached', finetune: 'cached', report: 'cached' });
    expect(second.steps.pretrain).toEqual({ ...first.steps.pretrain, status: 'cached' });
    expect(JSON.parse(readFileSync(join(folder, 'runs/x/summary.json'), 'utf8'))).toEqual(second);
    expect(readdirSync(join(folder, 'runs/x')).filter((name) => name.includes('.tmp') || name === '.lock')).toEqual([]);
  });

  it('runs again what a change reaches, and finds the old results when it is undone', async () => {
    const { folder, run, justRan } = setUp();
    await run();
    justRan();
    await run(['steps.finetune.steps=5']);
    expect(justRan()).toEqual(['finetune', 'report']);
    await run(['steps.pretrain.log=3']);
    expect(justRan()).toEqual([]);
    await run(['seed=2']);
    expect(justRan()).toHaveLength(4);
    writeFileSync(join(folder, 'text.txt'), 'other text');
    await run();
    expect(justRan()).toHaveLength(4);
    await run([], { force: ['pretrain'] });
    expect(justRan()).toEqual(['pretrain']);
  });

  it('gives the same keys from another folder, with options in another order and defaults written out', async () => {
    const { load } = setUp();
    const other = setUp(`
name: y
steps:
  corpus: { path: text.txt, use: fake/corpus }
  pretrain: { steps: 4, data: "\${corpus}", rate: 0.1, schedule: { use: cosine, warmup: 0 }, use: fake/train }
  finetune: { use: fake/train, data: corpus, from: pretrain }
`);
    const keys = async (recipe: Awaited<ReturnType<typeof load>>) =>
      new Map((await planRecipe(recipe)).map((step) => [step.id, step.key]));
    const [a, b] = [await keys(await load()), await keys(await other.load())];
    for (const id of ['corpus', 'pretrain', 'finetune']) expect(b.get(id)).toBe(a.get(id));
  });

  it('runs only what a step needs when asked to', async () => {
    const { run, justRan } = setUp();
    await run([], { onlyUntil: 'pretrain' });
    expect(justRan()).toEqual(['corpus', 'pretrain']);
    await expect(run([], { onlyUntil: 'pretrian' })).rejects.toThrow('no step "pretrian"');
  });
});

describe('a run that goes wrong', () => {
  it('fails on a missed expectation, after everything has run', async () => {
    const { run, justRan } = setUp();
    const summary = await run([
      'steps.finetune.expect={loss: {at_most: 0.3}, resumed_at: {equals: 2, tolerance: 50%}}',
    ]);
    expect(summary.status).toBe('failed');
    expect(summary.error).toBeUndefined();
    expect(justRan()).toContain('report');
    expect(summary.misses.map((miss) => miss.message)).toEqual([
      expect.stringMatching(/^loss of finetune is 0\.33\d*, expected at most 0\.3$/),
      'resumed_at of finetune is 0, expected 2 ± 50%',
    ]);
    // A miss is seen again when the result comes from the store.
    expect((await run(['steps.finetune.expect.loss.at_most=0.3'])).misses).toHaveLength(1);
  });

  it('holds a metric against several others, and says so again where the resolved recipe is read', async () => {
    const { run, folder } = setUp();
    const others = '[{metric: resumed_at, factor: 2}, {metric: loss, factor: 0.5}, {metric: loss, factor: 1}]';
    const { misses } = await run([`steps.finetune.expect={loss: {at_most_times: ${others}}}`]);
    const expected = [/at most 2 times resumed_at \(0\)$/, /at most 0\.5 times loss \(0\.33/];
    expect(misses.map((miss) => miss.message)).toEqual(expected.map((one) => expect.stringMatching(one)));
    const { expectations } = await readRun(join(folder, 'runs/x'));
    expect(expectations.map(({ met }) => met)).toEqual([true, false, false, true]);
  });

  it('holds a metric within a distance of others', async () => {
    const { run, folder } = setUp();
    const near = async (condition: string) => (await run([`steps.finetune.expect={loss: ${condition}}`])).misses;
    // The loss is 1/3, and resumed_at is 0.
    expect(await near('{within: 0.4, of: resumed_at}')).toEqual([]);
    expect(await near('{within: 0%, of: loss}')).toEqual([]);
    const misses = await near('{within: 0.3, of: [loss, resumed_at]}');
    expect(misses.map(({ message }) => message)).toEqual([
      'loss of finetune is 0.33333, expected within 0.3 of resumed_at (0)',
    ]);
    const { expectations } = await readRun(join(folder, 'runs/x'));
    expect(expectations.map(({ expected, met }) => [expected, met])).toEqual([
      ['at most 0.5', true],
      ['within 0.3 of loss (0.33333)', true],
      ['within 0.3 of resumed_at (0)', false],
    ]);
  });

  it('skips what needs a failed step, goes on with the rest, and keeps results', async () => {
    const { run, justRan } = setUp(`${RECIPE}
  broken: { use: fake/fail, how: user }
  needs: { use: fake/compare, of: [pretrain, broken] }
`);
    const summary = await run();
    expect(statuses(summary)).toMatchObject({ broken: 'failed', needs: 'skipped', finetune: 'done', report: 'done' });
    expect(summary.error).toEqual({
      step: 'broken',
      message: 'the checkpoint is truncated',
      hint: 'Fetch it again.',
      user: true,
    });
    justRan();
    const bug = await run(['steps.broken.how=bug']);
    expect(justRan()).toEqual(['broken']);
    expect(bug.error).toMatchObject({ user: false, stack: expect.stringContaining('undefined is not') });
  });

  it('stops with one clear error when the disk is full, and goes on later', async () => {
    const text = `${RECIPE}  broken: { use: fake/fail, how: full-disk, data: corpus }\n  last: { use: fake/train, data: corpus }\n`;
    const { run, justRan } = setUp(text);
    const summary = await run();
    expect(statuses(summary)).toMatchObject({ corpus: 'done', finetune: 'done', broken: 'failed', last: 'skipped' });
    expect(summary.error).toMatchObject({ user: true, hint: expect.stringContaining('Free some space') });
    justRan();
    await run();
    expect(justRan()).toEqual(['broken']);
  });

  it('says so when the run folder cannot be made', async () => {
    const { folder, load } = setUp();
    const recipe = await load();
    await expect(runRecipe(recipe, { runsFolder: join(folder, 'text.txt') })).rejects.toThrow(
      /cannot write .*text\.txt/,
    );
  });

  it('is interrupted by the signal and goes on where it was', async () => {
    const { run, justRan } = setUp();
    const controller = new AbortController();
    const summary = await run([], {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'progress' && event.done === 2) controller.abort(new Error('SIGINT'));
      },
    });
    expect(summary.status).toBe('interrupted');
    expect(statuses(summary)).toEqual({
      corpus: 'done',
      pretrain: 'interrupted',
      finetune: 'skipped',
      report: 'skipped',
    });
    expect(summary.resume).toContain('again');
    justRan();
    const resumed = await run();
    expect(justRan()).toEqual(['pretrain', 'finetune', 'report']);
    expect(resumed.steps.pretrain!.metrics.resumed_at).toBe(2);
  });

  it('runs a step again whose result is damaged, and warns', async () => {
    const { run, justRan } = setUp();
    const { steps } = await run();
    writeFileSync(join(steps.pretrain!.folder!, 'result.json'), '{"format": "t2r-res');
    justRan();
    const warnings: string[] = [];
    await run([], { onEvent: (event) => event.type === 'log' && warnings.push(event.message) });
    expect(justRan()).toEqual(['pretrain']);
    expect(warnings).toEqual([expect.stringContaining('it is not valid JSON; running again')]);
  });
});

describe('the run folder', () => {
  it('is refused while another process uses it, and taken over from a dead one', async () => {
    const { folder, run } = setUp();
    await run();
    const lock = join(folder, 'runs/x/.lock');
    const owner = JSON.parse(execFileSync(process.execPath, ['-p', LOCK_OF_SELF], { encoding: 'utf8' })) as object;
    writeFileSync(lock, JSON.stringify({ ...owner, pid: process.ppid, started: undefined }));
    await expect(run()).rejects.toThrow(/another run .* is using this folder/);
    // That process has ended.
    writeFileSync(lock, JSON.stringify(owner));
    expect((await run()).status).toBe('done');
    // Its number belongs to another process by now.
    writeFileSync(lock, JSON.stringify({ ...owner, pid: process.pid, started: '1' }));
    if (existsSync('/proc/self/stat')) expect((await run()).status).toBe('done');
    // Killed before it could write its number.
    writeFileSync(lock, '');
    expect((await run()).status).toBe('done');
  });

  it('begins a new line where a killed run left half of one', async () => {
    const { folder, run } = setUp();
    await run();
    const events = join(folder, 'runs/x/events.jsonl');
    writeFileSync(events, '{"type":"progr');
    await run();
    const [half, ...rest] = readFileSync(events, 'utf8').trimEnd().split('\n');
    expect(half).toBe('{"type":"progr');
    expect(rest.length).toBeGreaterThan(0);
    for (const line of rest) JSON.parse(line);
  });

  it('is rid of what a killed run was writing', async () => {
    const { folder, run } = setUp();
    const { steps } = await run();
    const leftovers = [join(folder, 'runs/x'), steps.pretrain!.folder!].map((where) => {
      const path = join(where, 'weights.0123456789ab.tmp');
      writeFileSync(path, 'half');
      return path;
    });
    await run([], { force: ['corpus'] });
    expect(leftovers.map(existsSync)).toEqual([false, true]);
    rmSync(join(steps.pretrain!.folder!, 'result.json'));
    await run();
    expect(leftovers.map(existsSync)).toEqual([false, false]);
  });

  it('is seen by the plan', async () => {
    const { folder, load, run } = setUp();
    const runsFolder = join(folder, 'runs');
    const before = await planRecipe(await load(), undefined, { runsFolder });
    expect(before.every((step) => !step.cached && step.key !== undefined)).toBe(true);
    const summary = await run();
    const after = await planRecipe(await load(['steps.finetune.steps=9']), undefined, { runsFolder });
    expect(after.map(({ id, cached }) => [id, cached])).toEqual([
      ['corpus', true],
      ['pretrain', true],
      ['finetune', false],
      ['report', false],
    ]);
    expect(before.map((step) => step.key)).toEqual(before.map((step) => summary.steps[step.id]!.key));
  });
});

const LOCK_OF_SELF = "JSON.stringify({ pid: process.pid, host: require('os').hostname(), started: '5' })";
