/** Scores, signatures and lines that Python's sacreBLEU 2.6.0 gave. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { corpusBleu, corpusChrf, corpusTer, type Score, sentenceBleu } from './index.js';

const read = (name: string) => JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));
const withoutVersion = (signature: string) => signature.replace(/version:.*$/, '');

interface Case {
  metric: 'bleu' | 'chrf' | 'ter';
  options: Record<string, unknown>;
  hypotheses: string[];
  references: string[][];
  score: number;
  signature: string;
  text: string;
  [detail: string]: unknown;
}

/** `smooth_method` to `smoothMethod`. */
const camelCase = (options: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]),
  );

const METRICS: Record<string, (hypotheses: string[], references: string[][], options: object) => Score> = {
  bleu: corpusBleu,
  chrf: corpusChrf,
  ter: corpusTer,
};

describe.each((read('cases.json') as Case[]).map((each, i) => [i, each] as const))('case %i', (_, expected) => {
  const { metric, options, hypotheses, references } = expected;
  it(`${metric} ${JSON.stringify(options)}`, () => {
    const score = METRICS[metric]!(hypotheses, references, camelCase(options));
    expect(score.score).toBe(expected.score);
    expect(withoutVersion(score.signature.format())).toBe(withoutVersion(expected.signature));
    expect(score.format()).toBe(expected.text);
    const details = { precisions: 'precisions', bp: 'bp', sysLen: 'sys_len', refLen: 'ref_len', counts: 'counts', totals: 'totals' };
    for (const [ours, theirs] of Object.entries(details))
      expect((score as unknown as Record<string, unknown>)[ours], ours).toEqual(expected[theirs]);
  });
});

it('sentences', () => {
  const sentences = read('sentence_bleu.json') as { hypothesis: string; reference: string; score: number }[];
  for (const { hypothesis, reference, score } of sentences)
    expect(sentenceBleu(hypothesis, [reference]).score, hypothesis).toBe(score);
});
