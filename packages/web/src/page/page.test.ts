import { UserError } from '@t2r/core/errors';
import { expect, test, vi } from 'vitest';
import { createAnnouncer } from './announcer.js';
import { niceAbove } from './curve.js';
import { bytesInWords, errorInWords, shortNumber } from './words.js';

test('numbers and errors in words', () => {
  expect([0, 512, 133_120, 2_097_152, 1.5 * 2 ** 30].map(bytesInWords)).toEqual([
    '0 bytes',
    '512 bytes',
    '130 KiB',
    '2 MiB',
    '1.5 GiB',
  ]);
  expect([1234.5, 99.4, 0.123].map(shortNumber)).toEqual(['1,235', '99', '0.12']);
  expect(errorInWords(new UserError('the file is damaged', { hint: 'Copy it again.' }))).toBe(
    'The file is damaged. Copy it again.',
  );
  expect(errorInWords(new TypeError('x is not a function'))).toMatch(/^Something went wrong .* X is not a function\./);
});

test.each([
  [1, 1],
  [3, 4],
  [7, 8],
  [8.5, 10],
  [256, 400],
  [133_120, 200_000],
])('the end of an axis for %d is %d', (value, end) => {
  expect(niceAbove(value)).toBe(end);
});

test('text is said in sentences, seldom, and to the end', () => {
  vi.useFakeTimers();
  const said: string[] = [];
  const region = {
    set textContent(text: string) {
      said.push(text);
    },
  } as HTMLElement;
  const announcer = createAnnouncer(region);
  for (const word of 'It was late. Nobody saw the cat. The dog'.split(/(?= )/)) announcer.push(word);
  expect(said).toEqual(['It was late.']);
  vi.advanceTimersByTime(5000);
  announcer.push(' slept');
  expect(said[1]).toBe(' Nobody saw the cat.');
  announcer.push(' on.');
  announcer.end('');
  expect(said[2]).toBe('The dog slept on.');
  vi.useRealTimers();
});
