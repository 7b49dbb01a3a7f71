/** Translation end to end: parallel text, training, the swap, scores, and the verbs that translate and score. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toySentences, writeMicroTranslation } from './micro-translation.js';
import { runCli, temporaryFolder } from './run-cli.js';

it('trains, converts, scores and translates', async () => {
  const folder = temporaryFolder();
  const recipe = writeMicroTranslation(folder);
  const { code, out, err } = await runCli(['run', recipe, '--runs', folder, '--json']);
  expect(err).not.toContain('error');
  expect(code).toBe(0);
  const { steps } = JSON.parse(out) as { steps: Record<string, { metrics: Record<string, number> }> };
  const scores = steps.scores!.metrics;
  for (const name of ['bleu', 'bleu.interval', 'chrf', 'ter', 'sentences_per_s'])
    expect(scores[`finetune.test.${name}`], name).toBeGreaterThanOrEqual(0);
  expect(Object.keys(steps.tokenized!.metrics)).toEqual([
    'pretrain.test.tokenized_bleu',
    'finetune.test.tokenized_bleu',
  ]);

  const run = join(folder, 'micro-translation');
  const inFolder = (step: string, file: string) =>
    readFileSync(join(run, readdirSync(run).find((name) => name.startsWith(`${step}-`))!, file), 'utf8');
  expect(inFolder('scores', 'finetune.test.txt').split('\n')).toHaveLength(25);
  expect(inFolder('distilled', 'valid.en')).toBe(readFileSync(join(folder, 'valid.en'), 'utf8'));
  expect(inFolder('distilled', 'valid.de').split('\n')).toHaveLength(25);
  expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('tok:13a');

  // The translations of the step, again on the command line.
  const where = `${run}:finetune`;
  const options = ['--beam', '2', '--max-tokens', '40'];
  const test = readFileSync(join(folder, 'test.en'));
  const translated = await runCli(['translate', where, ...options], {}, test);
  expect(translated.code).toBe(0);
  expect(translated.out).toBe(inFolder('scores', 'finetune.test.txt'));

  const { en, de } = toySentences(3, 'more');
  const lines = [en[0]!, '', en[1]!, '\xff', `${'a '.repeat(2000)}b`, en[2]!];
  const bad = Buffer.from(lines.join('\n'), 'latin1');
  const refused = await runCli(['translate', where, ...options], {}, bad);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('standard input:2: the line is empty');
  const skipped = await runCli(['translate', where, ...options, '--skip-bad', '--json'], {}, bad);
  const results = skipped.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(results.map(({ line, error }) => [line, error?.split(':')[0]])).toEqual([
    [1, undefined],
    [2, 'empty'],
    [3, undefined],
    [4, 'not UTF-8'],
    [5, 'too long'],
    [6, undefined],
  ]);
  expect(skipped.err).toContain('3 bad lines left out: 2 (empty), 4 (not UTF-8), 5 (too long');

  // What beam search says of its best hypothesis is what scoring says of it.
  const [source, target] = [join(folder, 'a.en'), join(folder, 'a.de')];
  writeFileSync(source, `${en.join('\n')}\n`);
  const best = [results[0], results[2], results[5]].map(({ results: [first] }) => first);
  writeFileSync(target, `${de.join('\n')}\n`);
  const scored = await runCli(['score', where, '--source', source, '--target', target, '--json']);
  expect(scored.code).toBe(0);
  const given = scored.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(given.map(({ line }) => line)).toEqual([1, 2, 3]);
  writeFileSync(target, best.map(({ text }) => `${text}\n`).join(''));
  if (best.every(({ text, end }) => text !== '' && end === 'end-token')) {
    const again = await runCli(['score', where, '--source', source, '--target', target, '--json']);
    const own = again.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    for (const [i, { logProb, tokens }] of own.entries())
      if (tokens === best[i].tokens + 1) expect(logProb).toBeCloseTo(best[i].logProb, 3);
  }
}, 900_000);
