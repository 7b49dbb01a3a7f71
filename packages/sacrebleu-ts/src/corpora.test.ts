/** Scores, signatures and lines that Python's sacreBLEU 2.6.0 gave, to the last bit. */
import { describe, expect, it } from 'vitest';
import { sentenceBleu } from './index.js';
import { answerTo, describeScore, metricOf, type Request } from './testing/answer.js';
import { comparable, type Options, readFixture, withoutVersion } from './testing/goldens.js';

interface Case {
  metric: string;
  options: Options;
  hypotheses: string[];
  references: string[][];
  score: number;
  signature: string;
  text: string;
  [detail: string]: unknown;
}

const cases = readFixture('cases.json') as Case[];
const goldens = readFixture('corpora.json') as {
  request: Extract<Request, { metric: string }>;
  answer: Record<string, unknown>;
}[];

describe('cases.json', () => {
  it.each(cases.map((each, i) => [i, each.metric, JSON.stringify(each.options)]))('%i: %s %s', (i) => {
    const { metric, options, hypotheses, references, signature, text, ...expected } = cases[i as number]!;
    const score = metricOf(metric, options).corpusScore(hypotheses, references);
    expect(withoutVersion(score.signature.format())).toBe(withoutVersion(signature));
    expect(score.format()).toBe(text);
    expect(describeScore(score)).toMatchObject(expected);
  });
});

it('sentence_bleu.json', () => {
  for (const { hypothesis, reference, score } of readFixture('sentence_bleu.json'))
    expect(sentenceBleu(hypothesis, [reference]).score, hypothesis).toBe(score);
});

describe('corpora.json: all options, odd Unicode, empty lines, line ends, segments with fewer references', () => {
  it.each(goldens.map(({ request }, i) => [i, request.kind, request.metric, JSON.stringify(request.options)]))(
    '%i: %s %s %s',
    (i) => {
      const { request, answer } = goldens[i as number]!;
      expect(comparable(answerTo(request))).toEqual(comparable(answer));
    },
  );
});
