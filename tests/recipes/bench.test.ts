/** `t2r bench` on shapes, recipes, runs and models for translation, at a size of seconds. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeMicroRecipe } from './micro.js';
import { writeMicroTranslation } from './micro-translation.js';
import { runCli, temporaryFolder } from './run-cli.js';

interface Point {
  length: number;
  tokensPerSecond: number;
  firstTokenSeconds?: number;
  stateBytes: number;
  rssBytes: number;
  state?: string;
}

interface Bench {
  kind: string;
  models: {
    name: string;
    attention: string;
    recurrent: boolean;
    weights: string;
    curves: { batch: number; points: Point[]; skipped: { length: number; reason: string }[] }[];
    memory?: { tokens: number; growthBytes: number; readings: { position: number }[] };
  }[];
  breakEven: { model: string; against: string; batch: number; speed?: { length: number }; state?: number }[];
}

const QUICK = ['--rounds', '2', '--tokens', '2'];

async function bench(...args: string[]): Promise<Bench> {
  const { code, out, err } = await runCli(['bench', ...args, ...QUICK, '--json']);
  expect(code, err).toBe(0);
  return JSON.parse(out) as Bench;
}

const curves = ({ models }: Bench) =>
  models.map(({ attention, curves: all }) => [
    attention,
    ...all.map(({ points }) => points.map(({ length }) => length)),
  ]);

describe('t2r bench', () => {
  it('measures a shape with several attentions and batches, and gives break-even lengths and a page', async () => {
    const page = join(temporaryFolder(), 'bench.html');
    const shape = [
      '--layers',
      '2',
      '--dim',
      '16',
      '--heads',
      '2',
      '--vocab',
      '50',
      '--batch',
      '3,1',
      '--lengths',
      '40,8',
    ];
    const variants = ['softmax', 't2r-mlp:features=4', 'elu'].flatMap((name) => ['--attention', name]);
    const result = await bench(...shape, ...variants, '--memory-tokens', '50', '--html', page);
    const both = [
      [8, 40],
      [8, 40],
    ];
    expect(curves(result)).toEqual(['softmax', 't2r-mlp', 'elu'].map((name) => [name, ...both]));
    const [softmax, t2r, elu] = result.models;
    for (const { curves: all } of result.models)
      for (const { points } of all)
        for (const { tokensPerSecond, firstTokenSeconds, rssBytes, state } of points) {
          expect(Math.min(tokensPerSecond, firstTokenSeconds!)).toBeGreaterThan(0);
          expect(rssBytes).toBeGreaterThan(2 ** 20);
          expect(state).toBe('read');
        }
    // 2 layers, k and v of width 16 a position; 2 heads of k x 8 and k, with k = 4, and 8 for ELU.
    const bytes = (model: Bench['models'][number]) => model.curves[1]!.points.map(({ stateBytes }) => stateBytes);
    expect(bytes(softmax!)).toEqual([8, 40].map((length) => 4 * 2 * 2 * 16 * length));
    expect(bytes(t2r!)).toEqual([0, 1].map(() => 4 * 2 * 2 * (4 * 8 + 4)));
    expect(bytes(elu!)).toEqual([0, 1].map(() => 4 * 2 * 2 * (8 * 8 + 8)));
    expect(softmax!.memory).toBeUndefined();
    expect(t2r!.memory).toMatchObject({ tokens: 50 });
    const readings = t2r!.memory!.readings;
    expect(readings.at(-1)!.position - readings[0]!.position).toBe(50);
    expect(result.breakEven.map(({ model, against, batch, state }) => [model, against, batch, state])).toEqual([
      // 576 and 1,152 bytes of state against 256 a position.
      ['t2r-mlp:features=4', 'softmax', 1, 3],
      ['t2r-mlp:features=4', 'softmax', 3, 3],
      ['elu', 'softmax', 1, 5],
      ['elu', 'softmax', 3, 5],
    ]);
    const html = readFileSync(page, 'utf8');
    // Speed and time at both batches, and the state.
    expect(html.match(/<svg /g)).toHaveLength(5);
    expect(html).toContain('resident memory');
    expect(html).not.toMatch(/<script|(?:src|href)=/);
  });

  it('measures what a recipe plans, and its run when there is one, and a variant beside it', async () => {
    const folder = temporaryFolder();
    const recipe = writeMicroRecipe(folder);
    const lengths = ['--lengths', '8,24'];
    const planned = await bench(recipe, ...lengths);
    expect(planned.models.map(({ name, weights }) => [name, weights])).toEqual([
      ['init', 'random'],
      ['swap', 'random'],
    ]);
    const runs = join(folder, 'runs');
    expect((await runCli(['run', recipe, '--runs', runs, '--until', 'finetune', '--quiet'])).code).toBe(0);
    const run = await bench(join(runs, 'micro'), '--attention', 'elu', ...lengths);
    expect(run.models.map(({ name, attention, weights }) => [name, attention, weights])).toEqual([
      ['pretrain', 'softmax', 'checkpoint'],
      ['finetune', 't2r-mlp', 'checkpoint'],
      ['elu', 'elu', 'random'],
    ]);
    const { steps } = JSON.parse((await runCli(['plan', recipe, '--json'])).out) as {
      steps: { id: string; stateBytesPerSequence?: number }[];
    };
    const { points } = run.models[1]!.curves[0]!;
    expect(points[1]!.stateBytes).toBe(steps.find(({ id }) => id === 'swap')!.stateBytesPerSequence);
    const step = await bench(`${join(runs, 'micro')}:pretrain`, ...lengths);
    expect(step.models.map(({ attention }) => attention)).toEqual(['softmax']);
  }, 60_000);

  it('measures models for translation by forced lengths', async () => {
    const recipe = writeMicroTranslation(temporaryFolder());
    const result = await bench(
      ...[`${recipe}:init`, '--attention', 't2r-mlp:features=4', '--cross', 't2r-mlp:features=8'],
      ...['--lengths', '4,8'],
    );
    expect(result.kind).toBe('encoder-decoder');
    expect(curves(result)).toEqual([
      ['softmax', [4, 8]],
      ['t2r-mlp', [4, 8]],
    ]);
    const [softmax, t2r] = result.models.map(({ curves: all }) => all[0]!.points.map(({ stateBytes }) => stateBytes));
    // k and v of width 16 of target and source, and the mask; 2 heads of k x 8 and k.
    expect(softmax).toEqual([4, 8].map((length) => 4 * (4 * 16 * length + length)));
    expect(t2r).toEqual([4, 8].map(() => 4 * 2 * (4 + 8) * 9));
  }, 60_000);

  it('explains mistakes and writes nothing', async () => {
    const page = join(temporaryFolder(), 'bench.html');
    const says = async (...args: string[]) => {
      const { code, err } = await runCli(['bench', ...args, '--html', page]);
      expect(code).toBe(2);
      expect(existsSync(page)).toBe(false);
      return err;
    };
    const recipe = writeMicroRecipe(temporaryFolder());
    expect(await says('nowhere')).toContain('there is no folder nowhere');
    expect(await says('--attention', 'sofmax')).toMatch(/unknown attention "sofmax".*\n.*softmax/);
    expect(await says('--attention', 't2r-mlp:features')).toContain('is not an attention variant with its options');
    expect(await says('--dim', '30', '--heads', '4')).toContain('--dim 30 is not a multiple of --heads 4');
    expect(await says('--lengths', '8,x')).toContain('It must be a whole number');
    expect(await says(`${recipe}:swpa`)).toContain('did you mean "swap"');
    expect(await says(recipe, writeMicroTranslation(temporaryFolder()))).toContain('cannot be measured side by side');
  });
});
