/** Which tokenizer the options of BLEU ask for. */
import { SacrebleuError } from '../errors.js';
import { tokenizerIntl } from './intl.js';
import { tokenizerChar, tokenizerNone } from './plain.js';
import { tokenizer13a } from './thirteen-a.js';
import {
  BUILT_IN_TOKENIZERS,
  type BuiltInTokenizer,
  PLUGGABLE_TOKENIZERS,
  type PluggableTokenizer,
  type Tokenizer,
  type TokenizerName,
} from './tokenizer.js';
import { tokenizerZh } from './zh.js';

const BUILT_IN: Readonly<Record<BuiltInTokenizer, Tokenizer>> = {
  none: tokenizerNone,
  zh: tokenizerZh,
  '13a': tokenizer13a,
  intl: tokenizerIntl,
  char: tokenizerChar,
};

/** What the original uses under each of the names that must be plugged in: the program, the data, the signature. */
const NEEDED: Readonly<Record<PluggableTokenizer, { what: string; signature: string }>> = {
  'ja-mecab': { what: 'MeCab with the IPA dictionary (392,126 words)', signature: 'ja-mecab-0.996-IPA' },
  'ko-mecab': { what: 'MeCab-ko with mecab-ko-dic (811,795 words)', signature: 'ko-mecab-0.996/ko-0.9.2-KO' },
  spm: { what: 'SentencePiece with the FLORES-101 model', signature: 'flores101' },
  flores101: { what: 'SentencePiece with the FLORES-101 model', signature: 'flores101' },
  flores200: { what: 'SentencePiece with the FLORES-200 model', signature: 'flores200' },
  'spBLEU-1K': { what: 'SentencePiece with the spBLEU-1K model', signature: 'spBLEU-1K' },
};

/** Tokenizers that languages have of their own, and the names that a warning suggests. */
const LANGUAGES: Readonly<Record<string, { tokenizer: TokenizerName; name: string }>> = {
  zh: { tokenizer: 'zh', name: 'Chinese' },
  ja: { tokenizer: 'ja-mecab', name: 'Japanese' },
  ko: { tokenizer: 'ko-mecab', name: 'Korean' },
};

const isOneOf = <T extends string>(names: readonly T[], name: string): name is T => names.includes(name as T);

/** The signature that the original gives a tokenizer of this name. */
export function usualSignature(name: TokenizerName): string {
  return isOneOf(PLUGGABLE_TOKENIZERS, name) ? NEEDED[name].signature : name;
}

function byName(name: string): Tokenizer {
  if (isOneOf(BUILT_IN_TOKENIZERS, name)) return BUILT_IN[name];
  if (!isOneOf(PLUGGABLE_TOKENIZERS, name)) {
    const known = [...BUILT_IN_TOKENIZERS, ...PLUGGABLE_TOKENIZERS].join(', ');
    throw new SacrebleuError(`There is no tokenizer '${name}'.`, `It is one of ${known}.`);
  }
  const { what, signature } = NEEDED[name];
  throw new SacrebleuError(
    `The tokenizer '${name}' needs ${what}, which this package does not contain.`,
    `Plug it in: tokenize: { signature: '${signature}', tokenize: (line) => tokens of the line }; ` +
      'on the command line, --tokenizer-module <file> whose default export is that object or function.',
  );
}

/**
 * The tokenizer itself, the one by that name, or that of the target language, with a warning where the language has
 * another.
 *
 * @throws SacrebleuError for unknown names and those that must be plugged in
 */
export function chooseTokenizer(
  tokenize: TokenizerName | Tokenizer | undefined,
  language: string,
  warn: (message: string) => void,
): Tokenizer {
  const own = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined;
  if (tokenize === undefined) return byName(own?.tokenizer ?? '13a');
  const tokenizer = typeof tokenize === 'string' ? byName(tokenize) : tokenize;
  if (/[|:]/.test(tokenizer.signature))
    throw new SacrebleuError(`The signature of a tokenizer must not contain '|' or ':': '${tokenizer.signature}'.`);
  if (own !== undefined && !tokenizer.signature.startsWith(own.tokenizer))
    warn(`Consider using the '${own.tokenizer}' or 'spm' tokenizer for ${own.name}.`);
  return tokenizer;
}
