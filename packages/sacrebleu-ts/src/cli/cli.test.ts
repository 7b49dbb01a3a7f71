/** The command line where it differs from the original's: plugged tokenizers, long inputs, colours, and what goes wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { corpusBleu, corpusTer, VERSION } from '../index.js';
import { runCli } from '../testing/terminal.js';
import { OPTIONS } from './options.js';

let folder = '';
const path = (name: string) => join(folder, name);
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(path(name), content);
  return path(name);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sacrebleu-ts-'));
  file('ref', 'a b c d\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

it('--help tells every flag, --version the version', async () => {
  const { code, out } = await runCli(['--help']);
  expect(code).toBe(0);
  for (const { names } of OPTIONS) for (const name of names) expect(out).toContain(name);
  expect(await runCli(['-V'])).toEqual({ code: 0, out: `sacrebleu-ts ${VERSION}\n`, err: '' });
});

describe('tokenizers from a module', () => {
  const run = (...words: string[]) => runCli([path('ref'), '-f', 'text', ...words], { stdin: 'a b c e\n' });

  it('as a function, by the name it has in the original', async () => {
    const module = file('flores.mjs', 'export default (line) => [...line];');
    const { out } = await run('-tok', 'flores200', '--tokenizer-module', module);
    expect(out).toMatch(/^BLEU\|nrefs:1\|case:mixed\|eff:no\|tok:flores200\|.* hyp_len = 4 ref_len = 4\)\n$/);
  });

  it('as an object with a signature of its own', async () => {
    const module = file(
      'own.mjs',
      'export default { signature: "mine", mark: "_", tokenize(line) { return line.replaceAll(" ", this.mark); } };',
    );
    expect((await run('--tokenizer-module', module)).out).toContain('|tok:mine|');
  });

  it('and says what is wrong with one', async () => {
    const errors = await Promise.all([
      run('-tok', 'ja-mecab'),
      run('--tokenizer-module', path('none.mjs')),
      run('--tokenizer-module', file('empty.mjs', 'export const tokenize = 1;')),
      run('--tokenizer-module', file('nameless.mjs', 'export default (line) => line;')),
    ]);
    expect(errors.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    const [plug, missing, empty, nameless] = errors.map(({ err }) => err);
    expect(plug).toContain("sacreBLEU: The tokenizer 'ja-mecab' needs MeCab");
    expect(plug).toContain('--tokenizer-module <file>');
    expect(missing).toContain('Cannot load the tokenizer module');
    expect(empty).toContain('must be a function (line) => tokens, or an object');
    expect(nameless).toContain('has no signature');
  });
});

describe('inputs', () => {
  const lines = Array.from(
    { length: 5000 },
    (_, i) => `Ein Satz mit Nummer ${i}, länger als ${i % 7} Wörter – oder nicht.`,
  );
  const hypotheses = lines.map((line, i) => (i % 3 === 0 ? line.replace('Satz', 'Wort') : line));

  it('longer than a batch, in pieces that cut characters, gzipped', async () => {
    const ref = file('long.gz', gzipSync(`${lines.join('\n')}\n`));
    const { out } = await runCli([ref, '-b', '-w', '9', '-m', 'bleu', 'ter'], { stdin: hypotheses.join('\r\n') });
    const expected = [corpusBleu(hypotheses, [lines]), corpusTer(hypotheses, [lines])];
    expect(out).toBe(`[\n${expected.map((score) => score.format({ width: 9, scoreOnly: true })).join(',\n')}\n]\n`);
    const shorter = await runCli([ref, '-b'], { stdin: hypotheses.slice(0, 4096).join('\n') });
    expect(shorter.err).toBe('sacreBLEU: System and reference streams have different lengths.\n');
  });

  it('one message for each that cannot be read', async () => {
    const bytes = Buffer.concat([Buffer.from('gut\n'.repeat(3)), Buffer.from([0x61, 0xff, 0x0a])]);
    const cases: [string[], string | Uint8Array, RegExp][] = [
      [[path('no-such')], '', /Cannot read .*no-such: there is no such file/],
      [[folder], '', /Cannot read .*: it is a folder/],
      [[file('bad.gz', 'not gzip')], 'a\n', /Cannot read .*bad.gz: incorrect header check/],
      [[path('ref')], bytes, /Cannot read standard input, line 4: it is not valid utf-8/],
      [[path('ref'), '-e', 'ascii'], 'ä\n', /Cannot read standard input, line 1: it is not valid ascii/],
      [[path('ref'), '-e', 'klingon'], 'a\n', /There is no encoding 'klingon'/],
      [[path('ref'), '-i'], '', /There is no file after -i/],
      [[path('ref'), '-ol', 'en'], 'a\n', /--origlang and --subset choose from test sets/],
      [
        ['-t', 'wmt17', '-l', 'en-de'],
        'a\n',
        /--test-set: this program has no test sets and downloads nothing.*\n.*Give the/,
      ],
      [['--list'], '', /--list: this program has no test sets/],
      [[path('ref'), '--confidence'], 'a\n', /SACREBLEU_SEED must be a whole number or none, not 'x'/],
    ];
    for (const [words, stdin, message] of cases) {
      const { code, out, err } = await runCli(words, { stdin, env: { SACREBLEU_SEED: 'x' } });
      expect({ code, out }, message.source).toEqual({ code: 1, out: '' });
      expect(err).toMatch(message);
    }
  });

  it('encodings by the names Python has for them', async () => {
    const text = 'Größe – 5 €\n';
    for (const [encoding, bytes] of [
      ['cp1252', Buffer.from([0x47, 0x72, 0xf6, 0xdf, 0x65, 0x20, 0x96, 0x20, 0x35, 0x20, 0x80, 0x0a])],
      ['utf_8', Buffer.from(text)],
      ['UTF-16LE', Buffer.from(text, 'utf16le')],
    ] as const) {
      const ref = file(`ref.${encoding}`, bytes);
      const { out } = await runCli([ref, '-e', encoding, '-tok', 'char', '-f', 'text'], { stdin: bytes });
      expect(out, encoding).toContain('hyp_len = 8 ref_len = 8');
    }
  });
});

describe('words of the command line', () => {
  const usage = async (...words: string[]) => {
    const { code, err } = await runCli([path('ref'), ...words], { stdin: 'a b c d\n' });
    return { code, last: err.trimEnd().split('\n').at(-1) };
  };

  it('mistakes', async () => {
    expect(await usage('--paired')).toEqual({
      code: 2,
      last: 'sacrebleu-ts: error: ambiguous option: --paired could match --paired-ar, --paired-bs, --paired-ar-n, --paired-bs-n, --paired-jobs',
    });
    expect((await usage('-w', '101')).last).toContain('argument --width/-w: must be 0 to 100');
    expect((await usage('-nr', '0')).last).toContain('must be at least 1');
    expect((await usage('--smooth-value', 'x')).last).toContain("invalid float value: 'x'");
    expect((await usage('--quiet=1')).last).toContain("ignored explicit argument '1'");
    expect((await usage('-l', 'de')).last).toContain('expected a pair such as en-de');
  });

  it('values that begin with a hyphen, references after two hyphens or between flags', async () => {
    const ref = path('ref');
    const run = (words: string[]) => runCli(words, { stdin: 'a b c d\n' });
    const plain = await run([ref, '-b']);
    expect(plain.out).toBe('100.0\n');
    expect(await run(['-b', '--', ref])).toEqual(plain);
    expect(await run(['-qb', ref, '-m', 'bleu'])).toEqual(plain);
    expect((await run([ref, '-s', 'floor', '-sv', '-1'])).err).toContain(
      'smoothing value must be a number of at least 0',
    );
  });
});

describe('output', () => {
  it('in colours on a terminal only, and not if they are turned off', async () => {
    const words = [path('ref'), '-i', path('ref'), file('other', 'x y z\n'), '-f', 'text', '-par', '-parn', '10'];
    const plain = await runCli(words);
    const colored = await runCli(words, { isTerminal: true });
    expect(plain.out).not.toContain('\x1b');
    expect(colored.out).toContain('\x1b[36mSystem\x1b[0m');
    expect(colored.out).toContain(`\x1b[33mBaseline: ${path('ref')}\x1b[0m`);
    expect(colored.out).toContain('\x1b[31m(p = ');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
    expect(colored.out.replace(/\x1b\[\d+m/g, '')).toBe(plain.out);
    expect((await runCli([...words, '-nc'], { isTerminal: true })).out).toBe(plain.out);
    expect((await runCli(words, { isTerminal: true, env: { NO_COLOR: '1' } })).out).toBe(plain.out);
  });

  it('--detail is text, and says that there are no subsets', async () => {
    const { out } = await runCli([path('ref'), '-d'], { stdin: 'a b c d\n' });
    expect(out).toMatch(/^BLEU\|nrefs.*\nNo subset information found\.\n$/);
  });

  it('a seed of none resamples anew', async () => {
    const run = () =>
      runCli([path('ref'), '-ci', '-cin', '10', '-sh', '-f', 'text'], {
        stdin: 'a b c x\n',
        env: { SACREBLEU_SEED: 'None' },
      });
    expect((await run()).out).toContain('|bs:10|rs:none|');
  });
});
