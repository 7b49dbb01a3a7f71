/** The command line on a whole run: from nothing to the report, kept results, missed expectations, text. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { writeMicroRecipe } from './micro.js';
import { runCli, temporaryFolder } from './run-cli.js';

it('runs from text to a report, keeps what it has, and generates from it', async () => {
  const folder = temporaryFolder();
  const recipe = writeMicroRecipe(folder);
  const runs = join(folder, 'runs');
  const run = join(runs, 'micro');

  const first = await runCli(['run', recipe, '--runs', runs]);
  expect(first).toMatchObject({ code: 0 });
  expect(first.err).toContain('✓ finetune');
  expect(first.out).toMatch(/checkpoint +attention +steps +ppl valid +ppl test/);
  expect(first.out).toMatch(/\npretrain +softmax +30 +\d/);
  expect(first.out).toMatch(/\nswap +t2r-mlp +0 +\d/);
  expect(first.out).toMatch(/\nfinetune +t2r-mlp +10 +\d.* 40\n/);
  expect(first.out).toContain(`report: ${join(run, 'report.html')}`);

  const html = readFileSync(join(run, 'report.html'), 'utf8');
  for (const heading of [
    'Results',
    'Expectations',
    'Generation',
    'Loss',
    'Samples',
    'Steps',
    'Environment',
    'Recipe',
  ]) {
    expect(html).toContain(`<h2>${heading}</h2>`);
  }
  expect(html).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);

  const report = JSON.parse(readFileSync(join(run, 'report.json'), 'utf8'));
  expect(report.rows.map(({ id }: { id: string }) => id)).toEqual(['pretrain', 'swap', 'finetune']);
  expect(report.expectations).toMatchObject([{ metric: 'finetune.test', expected: 'at most 300', met: true }]);
  expect(report.generation).toHaveLength(4);
  expect(new Set(report.loss.map(({ series }: { series: string }) => series))).toEqual(
    new Set(['training', 'validation']),
  );
  expect(report.samples).toHaveLength(2);
  expect(report.protocol.join()).toContain('ppl|unit:');

  const second = await runCli(['run', recipe, '--runs', runs, '--quiet']);
  expect(second).toEqual({ code: 0, out: first.out, err: '' });

  const json = await runCli(['run', recipe, '--runs', runs, '--quiet', '--json']);
  const { name, folder: where, steps } = JSON.parse(json.out);
  expect({ name, where }).toEqual({ name: 'micro', where: run });
  expect(Object.keys(steps)).toHaveLength(10);
  for (const step of Object.values<Record<string, unknown>>(steps)) {
    expect(Object.keys(step).sort()).toEqual(['key', 'metrics', 'seconds', 'status']);
    expect(step).toMatchObject({ status: 'cached', key: expect.stringMatching(/^[0-9a-f]{64}$/) });
  }

  rmSync(join(run, 'report.html'));
  expect(await runCli(['report', run])).toMatchObject({ code: 0, out: `${join(run, 'report.html')}\n` });
  expect(existsSync(join(run, 'report.html'))).toBe(true);

  const generate = ['generate', `${run}:finetune`, '-p', 'The', '--tokens', '6', '--temperature', '0', '--json'];
  const text = await runCli(generate);
  expect(JSON.parse(text.out)).toMatchObject({ prompt: 'The', tokens: 6, stop: 'max-tokens', recurrent: true });
  expect((await runCli(generate)).code).toBe(0);
  for (const step of ['pretrain', 'finetune']) {
    const beam = [
      'generate',
      `${run}:${step}`,
      '-p',
      'The',
      '-p',
      'Then a',
      '--tokens',
      '6',
      '--beam',
      '3',
      '--nbest',
      '2',
    ];
    const best = JSON.parse((await runCli([...beam, '--json'])).out);
    expect(best.map(({ prompt }: { prompt: string }) => prompt)).toEqual(['The', 'Then a']);
    for (const { results } of best) {
      expect(results).toHaveLength(2);
      expect(results[0].score).toBeGreaterThanOrEqual(results[1].score);
    }
    const lines = (await runCli(beam)).out;
    expect(lines).toContain(`${best[1].results[0].score.toFixed(4)}\t${best[1].results[0].text}\n`);
  }
  expect(await runCli(['generate', `${run}:finetune`, '-p', 'x', '-p', 'y'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--beam'),
  });
  expect(await runCli(['generate', `${run}:fintune`, '-p', 'x'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('did you mean "finetune"?'),
  });
});

it('runs a recipe whose attention comes from a file outside of the packages', async () => {
  const example = resolve(import.meta.dirname, '../../docs/examples/squared-relu.yaml');
  const runs = join(temporaryFolder(), 'runs');
  const small = ['steps.pretrain.steps=8', 'steps.finetune.steps=4', 'model.dim=16', 'steps.corpus.train=20000'];
  const sizes = [
    ...small,
    'steps.generation.positions=[8,20]',
    'steps.tokenizer.vocab=300',
    'steps.perplexity.expect={}',
  ];
  const set = sizes.flatMap((one) => ['--set', one]);
  const { code, out, err } = await runCli(['run', example, '--runs', runs, '--quiet', ...set]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/\nfinetune +squared-relu +4 /);
  const plugin = ['--plugin', join(dirname(example), 'squared-relu.js')];
  expect((await runCli(['list', 'attention', ...plugin])).out).toMatch(/attention +squared-relu +Linear attention/);
  expect((await runCli(['describe', 'squared-relu', ...plugin])).out).toMatch(/features +whole number.* 32 +Features/);
  // A run knows its plugins; a checkpoint folder by itself does not.
  const run = join(runs, 'squared-relu');
  const options = ['-p', 'The', '--tokens', '5', '--json'];
  const text = await runCli(['generate', `${run}:finetune`, ...options]);
  expect(JSON.parse(text.out)).toMatchObject({ tokens: 5, recurrent: true });
  const checkpoint = readdirSync(run).find((name) => name.startsWith('finetune-'))!;
  const moved = await runCli(['generate', join(run, checkpoint), ...options]);
  expect(moved).toMatchObject({ code: 2, err: expect.stringContaining('--plugin') });
  const named = await runCli(['generate', join(run, checkpoint), ...options, ...plugin]);
  expect(JSON.parse(named.out).text).toBe(JSON.parse(text.out).text);
  const typo = await runCli(['validate', example, '--set', 'steps.swap.attention.feature=3']);
  expect(typo.code).toBe(2);
  expect(typo.err + typo.out).toContain('did you mean "features"');
}, 60_000);

it('fails when an expectation is missed, after everything has run, and shows it', async () => {
  const folder = temporaryFolder();
  const recipe = writeMicroRecipe(folder, (text) =>
    text.replace('at_most: 300', 'at_most: 2').replace(/ {2}generation: .*\n/, ''),
  );
  const { code, out, err } = await runCli(['run', recipe, '--runs', join(folder, 'runs')]);
  expect(code).toBe(1);
  expect(err).toMatch(/missed: .*finetune\.test.*at most 2/);
  expect(out).toContain('report: ');
  expect(readFileSync(join(folder, 'runs/micro/report.html'), 'utf8')).toContain('class="missed"');
});
