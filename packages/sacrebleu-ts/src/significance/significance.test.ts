/** Means, intervals and p-values that Python's sacreBLEU 2.6.0 and numpy gave, to the last bit. */
import { describe, expect, it } from 'vitest';
import { createBleu, createTer, pairedTest } from '../index.js';
import { comparable, describeScore, metricOf, readFixture } from '../testing/goldens.js';

interface Golden {
  request: {
    kind: 'corpus' | 'paired';
    metric: string;
    options: Record<string, unknown>;
    hypotheses: string[];
    references: (string | null)[][];
    bootstrap: number;
    test: 'ar' | 'bs';
    metrics: [string, Record<string, unknown>][];
    systems: string[][];
    samples: number;
    confidence: number;
  };
  answer: unknown;
}

const goldens = readFixture('significance.json') as Golden[];
const ofKind = (kind: string) => goldens.filter(({ request }) => request.kind === kind);

describe('bootstrap confidence', () => {
  it.each(ofKind('corpus').map(({ request, answer }) => [request.metric, request.bootstrap, request, answer] as const))(
    '%s, %i resamples',
    (_, bootstrap, request, answer) => {
      const metric = metricOf(request.metric, request.options);
      const score = metric.corpusScore(request.hypotheses, request.references, { bootstrap });
      expect(comparable(describeScore(score))).toEqual(comparable(answer));
    },
  );
});

describe('paired tests', () => {
  it.each(
    ofKind('paired').map(
      ({ request, answer }) => [request.test, JSON.stringify(request.metrics), request, answer] as const,
    ),
  )('%s %s', (test, _, request, answer) => {
    const results = pairedTest({
      systems: request.systems,
      references: request.references,
      metrics: request.metrics.map(([name, options]) => metricOf(name, options)),
      test,
      samples: request.samples,
      confidence: request.confidence,
    });
    const described = results.map(({ name, signature, results: rows }) => ({
      name,
      signature: signature.format(),
      short: signature.format(true),
      results: rows.map(({ score, pValue, mean, ci }) => [score, pValue ?? null, mean ?? null, ci ?? null]),
    }));
    expect(comparable(described)).toEqual(comparable(answer));
  });
});

describe('what the original leaves undefined', () => {
  const references = [['a b', '', 'c d e']];

  it('resamples without any reference word still have a mean', () => {
    const { confidence } = createTer().corpusScore(['a', 'x', 'c d'], references, { bootstrap: 100 });
    expect(confidence!.mean).toBeGreaterThan(0);
  });

  it('seeds: equal ones give equal results, null a new one each time', () => {
    const metric = createBleu();
    const score = (seed: number | bigint | null) =>
      metric.corpusScore(['a b c d e', 'x y z q', 'c d e f'], [['a b c d', 'x y z q', 'c d e']], {
        bootstrap: 50,
        seed,
      });
    expect(score(7).confidence).toEqual(score(7n).confidence);
    expect(score(7).signature.format()).toContain('|bs:50|seed:7|');
    expect(score(0).confidence).toEqual(score(0).confidence);
    expect(score(null).confidence).not.toEqual(score(null).confidence);
    expect(score(null).signature.format(true)).toContain('|bs:50|rs:none|');
    expect(() => score(-1)).toThrow('The seed must be at least 0');
    expect(() => score(0.5)).toThrow('The seed must be a whole number');
  });

  it('a system against itself is not different', () => {
    const systems = [
      ['a b c d', 'e f g h'],
      ['a b c d', 'e f g h'],
    ];
    for (const test of ['ar', 'bs'] as const) {
      const [result] = pairedTest({
        systems,
        references: [['a b c d', 'e f x h']],
        metrics: [createBleu()],
        test,
        samples: 99,
      });
      expect(result!.results[1]!.pValue).toBe(0.01);
    }
  });
});
