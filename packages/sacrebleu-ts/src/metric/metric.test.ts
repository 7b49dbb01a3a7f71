/** What metrics do apart from the numbers: streams, prepared references, warnings, mistakes. */
import { describe, expect, it } from 'vitest';
import { corpusBleu, corpusChrf, corpusTer, createBleu, createChrf, createTer, sentenceTer } from '../index.js';

const hypotheses = ['The cat sat on a mat.', 'Two dogs.', ''];
const references = [
  ['The cat sat on the mat.', 'Two dogs play.', 'Nothing.'],
  ['A cat sat there.', null, undefined],
];

describe.each([
  ['BLEU', createBleu()],
  ['chrF', createChrf({ wordOrder: 2 })],
  ['TER', createTer({ normalized: true })],
])('%s', (_, metric) => {
  const whole = metric.corpusScore(hypotheses, references as string[][], { bootstrap: 20 });

  it('is the same segment by segment', () => {
    const corpus = metric.accumulate({ keepStatistics: true });
    for (const [i, hypothesis] of hypotheses.entries())
      corpus.add(
        hypothesis,
        references.map((stream) => stream[i]),
      );
    expect(corpus.length).toBe(3);
    expect(corpus.score({ bootstrap: 20 })).toEqual(whole);
    expect(corpus.statistics!.length).toBe(3);
  });

  it('is the same with prepared references, however often they are used', () => {
    const prepared = metric.prepareReferences(references as string[][]);
    expect(metric.corpusScore(hypotheses, prepared as never, { bootstrap: 20 })).toEqual(whole);
    expect(metric.corpusScore(hypotheses, prepared as never, { bootstrap: 20 })).toEqual(whole);
    expect(whole.signature.format()).toContain('nrefs:var|');
  });

  it('keeps nothing of segments unless asked to', () => {
    const corpus = metric.accumulate();
    corpus.add('a', ['a']);
    expect(corpus.statistics).toBeUndefined();
    expect(() => corpus.score({ bootstrap: 10 })).toThrow('needs the statistics of every segment');
  });

  it('takes strings only', () => {
    expect(() => metric.corpusScore([null as never], [['a']])).toThrow(
      'hypothesis of segment 1 is not a string but null',
    );
    expect(() => metric.corpusScore(['a'], [[5 as never]])).toThrow(
      'reference of segment 1 is not a string but number',
    );
    expect(() => metric.corpusScore(['a'], ['a'] as never)).toThrow('References must be a list of streams');
    expect(() => metric.sentenceScore('a', 'a' as never)).toThrow('must be a list of strings');
  });

  it('wants a reference for every segment, and equally many segments', () => {
    expect(() => metric.corpusScore(['a', 'b'], [['a', null]])).toThrow('Segment 2 has no reference');
    expect(() => metric.corpusScore(['a'], [['a', 'b']])).toThrow(
      'There are 1 hypotheses and 2 segments of references',
    );
    expect(() => metric.corpusScore(['a', 'b'], [['a', 'b'], ['a']])).toThrow(
      'stream 2 has 1 segments, the first one 2',
    );
    expect(() => metric.corpusScore(['a'], [])).toThrow('There are no references');
    expect(() => metric.corpusScore([], [[]])).toThrow('there are no segments');
  });
});

it('references prepared by another metric are refused', () => {
  const prepared = createBleu().prepareReferences([['a']]);
  expect(() => createBleu({ lowercase: true }).corpusScore(['a'], prepared)).toThrow('prepared by another metric');
});

describe('warnings', () => {
  const warningsOf = (options: object, act: (bleu: ReturnType<typeof createBleu>) => void) => {
    const warnings: string[] = [];
    act(createBleu({ ...options, onWarning: (message) => void warnings.push(message) }));
    return warnings;
  };
  const tokenized = Array.from({ length: 100 }, () => 'a b .');

  it('100 lines that end in a separated full stop', () => {
    const score = (bleu: ReturnType<typeof createBleu>) => bleu.corpusScore(tokenized, [tokenized]);
    expect(warningsOf({}, score)).toHaveLength(3);
    expect(warningsOf({ force: true }, score)).toEqual([]);
    expect(warningsOf({}, (bleu) => bleu.corpusScore(tokenized.slice(1), [tokenized.slice(1)]))).toEqual([]);
  });

  it('sentences without effective order', () => {
    const score = (bleu: ReturnType<typeof createBleu>) => bleu.sentenceScore('a', ['a']);
    expect(warningsOf({}, score)).toEqual(['It is recommended to enable `effective_order` for sentence-level BLEU.']);
    expect(warningsOf({ effectiveOrder: true }, score)).toEqual([]);
  });
});

it('options that make no sense', () => {
  expect(() => createBleu({ maxNgramOrder: 0 })).toThrow('maxNgramOrder must be a whole number of at least 1');
  expect(() => createBleu({ smoothMethod: 'x' as never })).toThrow("no smoothing method 'x'. It is one of none, floor");
  expect(() => createBleu({ smoothMethod: 'floor', smoothValue: -1 })).toThrow('smoothing value');
  expect(() => createChrf({ charOrder: 0 })).toThrow('are both 0');
  expect(() => createChrf({ charOrder: 1.5 })).toThrow('charOrder must be a whole number');
  expect(() => createChrf({ beta: Number.NaN })).toThrow('beta must be at least 0');
});

it('shortcuts take options of metric and bootstrap together', () => {
  const options = { bootstrap: 10, seed: 3, lowercase: true };
  expect(corpusBleu(['a b c d'], [['A b c d']], options).format()).toContain('BLEU = 100.00 (μ = 100.00 ± 0.00)');
  expect(corpusChrf(['a b'], [['A b']], options).signature.format(true)).toContain('#:1|bs:10|rs:3|c:lc|e:yes|');
  expect(corpusTer(['a b'], [['A b']]).score).toBe(0);
  expect(sentenceTer('c a b', ['a b c']).numEdits).toBe(1);
});

/** Matches of n-grams, counted the plain way. */
function plainMatches(hypothesis: string, reference: string, n: number): number {
  const count = (line: string) => {
    const words = line.split(' ');
    const counts = new Map<string, number>();
    for (let i = 0; i + n <= words.length; i++) {
      const gram = words.slice(i, i + n).join(' ');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
    return counts;
  };
  const inReference = count(reference);
  return [...count(hypothesis)].reduce((sum, [gram, times]) => sum + Math.min(times, inReference.get(gram) ?? 0), 0);
}

it('segments with more n-grams than tables begin with, several in a row', () => {
  const long = Array.from({ length: 3000 }, (_, i) => `w${i % 1999}`).join(' ');
  const other = Array.from({ length: 3000 }, (_, i) => `w${(i * i) % 307}`).join(' ');
  const pairs = [
    [long, other],
    [other, long],
    [long, long],
    [other, `${long} ${other}`],
  ] as const;
  const score = createBleu().corpusScore(
    pairs.map(([hypothesis]) => hypothesis),
    [pairs.map(([, reference]) => reference)],
  );
  const counts = [1, 2, 3, 4].map((n) => pairs.reduce((sum, pair) => sum + plainMatches(pair[0], pair[1], n), 0));
  expect(score.counts).toEqual(counts);
});
