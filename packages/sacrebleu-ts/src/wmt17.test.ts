/** The systems of WMT17 English-German, whose scores are published; only where the data are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createBleu } from './index.js';

const folder = join(process.env.T2R_DATA ?? '', 'sacrebleu-wmt17-ende');
const present = process.env.T2R_DATA !== undefined && existsSync(folder);

interface Expected {
  official_test_sh: number;
  'sacrebleu_2.6.0_13a': number;
  verbose: string;
  tokenize_none: number;
  '13a_lowercase': number;
}

const lines = (name: string) => readFileSync(join(folder, name), 'utf8').replace(/\n$/, '').split('\n');

describe.skipIf(!present)('WMT17 English-German', () => {
  const expected: Record<string, Expected> = present
    ? JSON.parse(readFileSync(join(folder, 'expected_scores.json'), 'utf8'))
    : {};
  it.each(Object.keys(expected))('%s', (name) => {
    const hypotheses = lines(`${name}.txt`);
    const references = [lines('reference.txt')];
    const score = createBleu().corpusScore(hypotheses, references);
    expect(score.score).toBeCloseTo(expected[name]!['sacrebleu_2.6.0_13a'], 6);
    expect(score.verbose).toBe(expected[name]!.verbose);
    expect(score.format({ scoreOnly: true })).toBe(expected[name]!.official_test_sh.toFixed(2));
    const untokenized = createBleu({ tokenize: 'none', force: true }).corpusScore(hypotheses, references);
    expect(untokenized.score).toBeCloseTo(expected[name]!.tokenize_none, 6);
    const lowercased = createBleu({ lowercase: true }).corpusScore(hypotheses, references);
    expect(lowercased.score).toBeCloseTo(expected[name]!['13a_lowercase'], 6);
  });
});
