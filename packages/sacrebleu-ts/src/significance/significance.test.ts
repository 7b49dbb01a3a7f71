/** Means, intervals and p-values that Python's sacreBLEU 2.6.0 and numpy gave, to the last bit. */
import { describe, expect, it } from 'vitest';
import { createBleu, createTer, pairedTest } from '../index.js';
import { answerTo, type Request } from '../testing/answer.js';
import { comparable, readFixture } from '../testing/goldens.js';

const goldens = readFixture('significance.json') as { request: Request; answer: unknown }[];

/** What is tested, and with how many resamples or trials. */
function nameOf(request: Request): string {
  if (request.kind === 'corpus') return `bootstrap ${request.metric}, ${request.bootstrap} resamples`;
  if (request.kind !== 'paired') return request.kind;
  return `paired ${request.test} ${JSON.stringify(request.metrics)}, ${request.references.length} references`;
}

it.each(goldens.map(({ request, answer }) => [nameOf(request), request, answer] as const))(
  '%s',
  (_, request, answer) => {
    expect(comparable(answerTo(request))).toEqual(comparable(answer));
  },
);

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
