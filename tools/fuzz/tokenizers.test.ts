/** A short run of the fuzz target: damaged tokenizer files give a tokenizer or a UserError, soon. */
import { expect, it } from 'vitest';
import { runTokenizerCase, tokenizerBases } from './tokenizer-cases.js';

it('400 damaged tokenizer files', async () => {
  const bases = await tokenizerBases();
  const outcomes = [];
  for (let index = 0; index < 400; index++) outcomes.push(await runTokenizerCase(7, index, bases));
  expect(outcomes.flatMap(({ fault }) => fault ?? [])).toEqual([]);
  expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(2000);
  expect(outcomes.filter(({ loaded }) => loaded).length).toBeGreaterThan(40);
});
