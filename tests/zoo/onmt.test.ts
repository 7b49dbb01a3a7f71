/** The language model that OpenNMT-py tests with, where T2R_DATA holds it: a trained model, measured as its recipe does. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runCli } from '../recipes/run-cli.js';

const data = process.env.T2R_DATA;
const runs = mkdtempSync(join(tmpdir(), 't2r-onmt-'));
afterAll(() => rmSync(runs, { recursive: true, force: true }));

describe.skipIf(data === undefined)('recipes/zoo/onmt-lm.yaml', () => {
  it('measures the perplexity that a program in numpy finds', async () => {
    const recipe = resolve(import.meta.dirname, '../../recipes/zoo/onmt-lm.yaml');
    const args = ['run', recipe, '--runs', runs, '--until', 'perplexity', '--json', '--set', 'steps.finetune.steps=1'];
    const { out } = await runCli(args, { T2R_DATA: data! });
    const { steps } = JSON.parse(out);
    // Every word of the first 50 lines, and the </s> after each of them.
    expect(steps.perplexity.metrics['load.test']).toBeCloseTo(7.748, 2);
    const run = join(runs, 'onmt-lm');
    const folder = readdirSync(run).find((name) => name.startsWith('perplexity-'))!;
    const { data: found } = JSON.parse(readFileSync(join(run, folder, 'result.json'), 'utf8'));
    expect(found.protocols.test).toMatchObject({ scored: 1276, tokens: 1276, documents: 50 });
  });
});
