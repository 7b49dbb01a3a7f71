/** Numbers as Python, its C library and numpy make and print them. */
import { describe, expect, it } from 'vitest';
import { createCoins, createGenerator, fillChoices } from '../random/draws.js';
import { readFixture } from '../testing/goldens.js';
import { Float, toPythonJson } from '../text/python-json.js';
import { floatRepr, formatFixed } from '../text/python-number.js';
import { exp, log } from './exact-math.js';
import { exactMean, numpyMean } from './means.js';

const goldens = readFixture('numbers.json') as {
  fixed: [number, number, string][];
  repr: [number, string][];
  exp: [number, number][];
  log: [number, number][];
  means: { values: number[]; exact: number; double: number; single: number }[];
  draws: { seed: string; coins: number[][]; choices: [number, number[]][] }[];
  lower: Record<string, string>;
};

it('fixed digits', () => {
  for (const [value, digits, text] of goldens.fixed) expect(formatFixed(value, digits)).toBe(text);
});

it('repr', () => {
  for (const [value, text] of goldens.repr) expect(floatRepr(value)).toBe(text);
  expect([-0, Number.NaN, -1 / 0].map(floatRepr)).toEqual(['-0.0', 'nan', '-inf']);
});

it('JSON', () => {
  const value = { 'ä"\n\u007f': [new Float(1), null, {}], b: [] };
  expect(toPythonJson(value, { indent: 1 })).toBe('{\n "ä\\"\\n\u007f": [\n  1.0,\n  null,\n  {}\n ],\n "b": []\n}');
  expect(toPythonJson({ 'ä😀': 'µ' }, { indent: 0, asciiOnly: true })).toBe('{\n"\\u00e4\\ud83d\\ude00": "\\u00b5"\n}');
});

it('exponential and logarithm', () => {
  for (const [x, value] of goldens.exp) expect(exp(x), `exp(${x})`).toBe(value);
  for (const [x, value] of goldens.log) expect(log(x), `log(${x})`).toBe(value);
  expect([exp(1000), exp(-1000), log(0)]).toEqual([Number.POSITIVE_INFINITY, 0, Number.NEGATIVE_INFINITY]);
});

it('means', () => {
  for (const { values, exact, double, single } of goldens.means) {
    expect(exactMean(values)).toBe(exact);
    expect(numpyMean(values, false)).toBe(double);
    expect(numpyMean(values.map(Math.fround), true)).toBe(single);
  }
  expect(exactMean([0, 0])).toBe(0);
  expect(exactMean([-1, 0.5])).toBe(-0.25);
});

describe('draws of numpy.random.default_rng', () => {
  it.each(goldens.draws)('seed $seed', ({ seed, coins, choices }) => {
    const generator = createGenerator(BigInt(seed));
    expect(Array.from({ length: coins.flat().length }, createCoins(generator))).toEqual(coins.flat());
    for (const [bound, drawn] of choices) {
      const target = new Uint32Array(drawn.length);
      fillChoices(generator, bound, target);
      expect([...target]).toEqual(drawn);
    }
  });
});

it('lower case that is longer than upper case', () => {
  for (const [upper, lower] of Object.entries(goldens.lower)) expect(upper.toLowerCase()).toBe(lower);
});
