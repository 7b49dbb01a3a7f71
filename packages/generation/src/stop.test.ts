import { expect, test } from 'vitest';
import { createStopFilter } from './stop.js';

/** Shows a text in pieces of a size through a filter. */
function show(text: string, stops: string[], size: number): { shown: string; stopped: boolean } {
  const filter = createStopFilter(stops);
  let shown = '';
  for (let at = 0; at < text.length; at += size) {
    const { text: piece, stopped } = filter.push(text.slice(at, at + size));
    shown += piece;
    if (stopped) return { shown, stopped };
  }
  return { shown: shown + filter.flush(), stopped: false };
}

test.each([1, 2, 3, 5, 100])('text cut into pieces of %i ends before the first stop string', (size) => {
  expect(show('one aab two aaab three', ['aaab'], size)).toEqual({ shown: 'one aab two ', stopped: true });
  expect(show('a\n\nb', ['\n\n', 'b'], size)).toEqual({ shown: 'a', stopped: true });
  expect(show('nothing here, ab', ['abc', ''], size)).toEqual({ shown: 'nothing here, ab', stopped: false });
});

test('text is held back only while it may begin a stop string', () => {
  const filter = createStopFilter(['END']);
  expect(filter.push('say E')).toEqual({ text: 'say ', stopped: false });
  expect(filter.push('N')).toEqual({ text: '', stopped: false });
  expect(filter.push('X')).toEqual({ text: 'ENX', stopped: false });
});
