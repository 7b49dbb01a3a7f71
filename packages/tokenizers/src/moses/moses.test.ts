/** Moses' tokeniser, detokeniser and punctuation against its own scripts: made-up lines, and the files of Multi30k. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mosesDetokenize } from './detokenize.js';
import type { MosesLanguage } from './languages.js';
import { normalizePunctuation } from './normalize-punctuation.js';
import { removeNonPrinting } from './remove-non-printing.js';
import { prepareLine } from './settings.js';
import { mosesTokenize } from './tokenize.js';

interface Line {
  language: MosesLanguage;
  text: string;
  tokens: string;
  detokenized: string;
}
const lines: Line[] = JSON.parse(readFileSync(new URL('../../fixtures/moses.json', import.meta.url), 'utf8'));

describe('lines that the Perl scripts tokenised', () => {
  it.each(lines.map((line) => [`${line.language}: ${line.text}`, line] as const))('%s', (_, line) => {
    const { language, text, tokens, detokenized } = line;
    // The scripts pass blank lines on as they are.
    expect(mosesTokenize(text, { language })).toBe(tokens.trim() === '' ? '' : tokens);
    expect(mosesDetokenize(tokens, { language })).toBe(detokenized.trim() === '' ? '' : detokenized);
  });
});

describe('options', () => {
  it('aggressive hyphens are put together again', () => {
    const tokens = mosesTokenize('a state-of-the-art e-mail', { language: 'en', aggressiveHyphens: true });
    expect(tokens).toBe('a state @-@ of @-@ the @-@ art e @-@ mail');
    expect(mosesDetokenize(tokens, { language: 'en' })).toBe('a state-of-the-art e-mail');
  });

  it('protected patterns stay as they are', () => {
    const options = { language: 'en' as const, escape: false, protectedPatterns: [/https?:\/\/\S+/, /<\/?\w+>/] };
    expect(mosesTokenize('See <b>https://a.org/x?y=1$&</b> now.', options)).toBe(
      'See <b> https://a.org/x?y=1$&</b> now .',
    );
  });

  it('without escapes', () => {
    expect(mosesTokenize(`a "b" & [c] | it's`, { language: 'en', escape: false })).toBe(`a " b " & [ c ] | it 's`);
  });
});

describe('punctuation', () => {
  it.each([
    ['en', '“Hello,” he said…  ( yes ) !', '"Hello," he said... (yes)!'],
    ['en', '"Hello".', '"Hello."'],
    ['de', '„Hallo,“ sagte er – 5\u00a0000', '"Hallo", sagte er - 5,000'],
    ['fr', '«\u00a0Oui\u00a0» dit-il\u00a0: 50\u00a0% d’eau', '"Oui" dit-il: 50% d\'eau'],
    ['generic', 'it`s — 1\u00a0000 ; a', "it's - 1.000; a"],
  ] as const)('%s: %s', (language, text, normal) => {
    expect(normalizePunctuation(text, { language })).toBe(normal);
  });

  it('as it was until 2017', () => {
    expect(normalizePunctuation('d’œil ‘x’', { language: 'fr', legacy: true })).toBe('d"œil "x"');
    expect(normalizePunctuation('d’œil', { language: 'fr' })).toBe("d'œil");
    expect(normalizePunctuation("``x''", { language: 'en', penn: true })).toBe('``x"');
  });
});

it('what cannot be printed becomes spaces', () => {
  expect(removeNonPrinting('a\u0000b\t\u200bc\u00adé猫\ue000')).toBe('a b  c é猫 ');
});

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)('Multi30k', () => {
  const sets = ['val', 'test_2016_flickr'].flatMap((set) =>
    (['en', 'de', 'fr'] as const).map((lang) => [set, lang] as const),
  );
  it.each(sets)('all lines of %s.%s come out as published', (set, language) => {
    const folder = join(data!, 'multi30k');
    const raw = gunzipSync(readFileSync(join(folder, 'raw', `${set}.${language}.gz`))).toString();
    const own = raw.split('\n').map((line) => {
      const settings = { language, normalize: true, lowercase: true, aggressiveHyphens: false, legacy: true };
      return line === '' ? '' : prepareLine(line, settings);
    });
    expect(own.join('\n')).toBe(readFileSync(join(folder, 'tok', `${set}.lc.norm.tok.${language}`), 'utf8'));
  });
});
