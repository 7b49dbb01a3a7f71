/** Tokens that Python's sacreBLEU 2.6.0 gave. */
import { describe, expect, it } from 'vitest';
import { createBleu, type Tokenizer } from '../index.js';
import { answerTo, type Request } from '../testing/answer.js';
import { readFixture } from '../testing/goldens.js';
import { chooseTokenizer } from './choose.js';

interface Golden {
  request: Extract<Request, { kind: 'tokenize' }>;
  answer: string[][];
}

const quiet = () => {};
const goldens = readFixture('tokenizers.json') as Golden[];

it.each(goldens.map(({ request, answer }) => [request.tokenizer, request.options, request, answer] as const))(
  'goldens of %s %j',
  (_, __, request, answer) => {
    const tokens = answerTo(request) as string[][];
    for (const [i, line] of request.lines.entries()) expect(tokens[i], JSON.stringify(line)).toEqual(answer[i]);
  },
);

describe('choosing', () => {
  it('goes by the target language', () => {
    expect(chooseTokenizer(undefined, 'zh', quiet).signature).toBe('zh');
    expect(chooseTokenizer(undefined, 'de', quiet).signature).toBe('13a');
    expect(() => chooseTokenizer(undefined, 'ja', quiet)).toThrow("The tokenizer 'ja-mecab' needs MeCab");
  });

  it('warns where the language has a tokenizer of its own', () => {
    const warnings: string[] = [];
    chooseTokenizer('13a', 'ko', (message) => void warnings.push(message));
    chooseTokenizer('zh', 'zh', (message) => void warnings.push(message));
    expect(warnings).toEqual(["Consider using the 'ko-mecab' or 'spm' tokenizer for Korean."]);
  });

  it('says what to plug in, and which names there are', () => {
    expect(() => createBleu({ tokenize: 'flores200' })).toThrow(
      /needs SentencePiece with the FLORES-200 model.*Plug it in: tokenize: \{ signature: 'flores200'/,
    );
    expect(() => createBleu({ tokenize: 'moses' as never })).toThrow(
      /There is no tokenizer 'moses'. It is one of none, zh/,
    );
  });
});

describe('a tokenizer of one’s own', () => {
  const hypotheses = ['ab cd'];
  const references = [['ab ce']];

  it('may give a list or a line, which is split as the original splits it', () => {
    const pairs = (line: string) => line.match(/.{1,2}/gu) ?? [];
    const asList: Tokenizer = { signature: 'pairs', tokenize: pairs };
    const asLine: Tokenizer = { signature: 'pairs', tokenize: (line) => pairs(line).join(' ') };
    const [first, second] = [asList, asLine].map((tokenize) =>
      createBleu({ tokenize }).corpusScore(hypotheses, references),
    );
    expect(first!.format()).toBe(second!.format());
    expect(first!.signature.format()).toContain('|tok:pairs|');
    // 'ab', ' c', 'd': the space within a token goes.
    expect(first!.totals).toEqual([3, 2, 1, 0]);
  });

  it('must not have a signature that cannot be read back', () => {
    expect(() => createBleu({ tokenize: { signature: 'a|b', tokenize: (line) => line } })).toThrow(
      "must not contain '|'",
    );
  });
});
