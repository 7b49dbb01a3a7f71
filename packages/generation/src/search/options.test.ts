import { expect, test } from 'vitest';
import { searchSettings } from './options.js';

const model = { vocab: 10, endTokens: [2] };

test('the defaults are those of fairseq', () => {
  expect(searchSettings({}, model)).toMatchObject({
    beam: 5,
    nbest: 1,
    lengthPenalty: 1,
    atLimit: 'end-token',
    stopping: 'fairseq',
    endTokens: [2],
  });
});

test.each([
  [{ beam: 0 }, /beam is 0; expected a whole number of at least 1/],
  [{ beam: 2, nbest: 3 }, /nbest is 3; expected a whole number from 1 to beam, which is 2/],
  [{ lengthPenalty: Number.NaN }, /lengthPenalty/],
  [{ maxTokens: 0 }, /maxTokens/],
  [{ maxTokensPerSource: -1 }, /maxTokensPerSource/],
  [{ minTokens: 0.5 }, /minTokens/],
  [{ noRepeatNgram: -1 }, /noRepeatNgram/],
  [{ repetitionPenalty: 0 }, /repetitionPenalty/],
  [{ suppressTokens: [10] }, /suppressTokens is 10; expected token ids below 10/],
  [{ endTokens: [] }, /no token that ends a text/],
])('%o is refused', (options, message) => {
  expect(() => searchSettings(options, model)).toThrow(message);
});
