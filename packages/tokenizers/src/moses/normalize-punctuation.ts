/**
 * Moses' normaliser of punctuation (normalize-punctuation.perl of https://github.com/moses-smt/mosesdecoder): quotes, dashes
 * and the spaces around punctuation in one style. Runs before tokenisation.
 */
import type { MosesLanguage } from './languages.js';

export interface NormalizePunctuationOptions {
  language: MosesLanguage;
  /** Leaves ` and '' alone, which are quotes in the style of the Penn Treebank. Default false. */
  penn?: boolean;
  /** As Moses was until 2017: single quotes that stand alone become double ones, ` and '' stay. Default false. */
  legacy?: boolean;
}

const SPACING: readonly [RegExp, string][] = [
  [/\r/g, ''],
  [/\(/g, ' ('],
  [/\)/g, ') '],
  [/ +/g, ' '],
  [/\) ([.!:?;,])/g, ')$1'],
  [/\( /g, '('],
  [/ \)/g, ')'],
  [/(\d) %/g, '$1%'],
  [/ :/g, ':'],
  [/ ;/g, ';'],
];

const PLAIN_QUOTES: readonly [RegExp, string][] = [
  [/`/g, "'"],
  [/''/g, ' " '],
];

const MARKS: readonly [RegExp, string][] = [
  [/[„“”]/g, '"'],
  [/–/g, '-'],
  [/—/g, ' - '],
  [/ +/g, ' '],
  [/´/g, "'"],
  [/([a-z])‘([a-z])/gi, "$1'$2"],
  [/([a-z])’([a-z])/gi, "$1'$2"],
];

const MORE_MARKS: readonly [RegExp, string][] = [
  [/''/g, '"'],
  [/´´/g, '"'],
  [/…/g, '...'],
  [/\u00a0«\u00a0/g, ' "'],
  [/«\u00a0/g, '"'],
  [/«/g, '"'],
  [/\u00a0»\u00a0/g, '" '],
  [/\u00a0»/g, '"'],
  [/»/g, '"'],
  [/\u00a0%/g, '%'],
  [/nº\u00a0/g, 'nº '],
  [/\u00a0:/g, ':'],
  [/\u00a0ºC/g, ' ºC'],
  [/\u00a0cm/g, ' cm'],
  [/\u00a0\?/g, '?'],
  [/\u00a0!/g, '!'],
  [/\u00a0;/g, ';'],
  [/,\u00a0/g, ', '],
  [/ +/g, ' '],
];

const BY_LANGUAGE: Readonly<Record<MosesLanguage, readonly [RegExp, string][]>> = {
  // "quotation," in English; „quotation“, elsewhere. A dot at the end of the sentence stays.
  en: [
    [/"([,.]+)/g, '$1"'],
    [/(\d)\u00a0(\d)/g, '$1.$2'],
  ],
  de: continental('$1,$2'),
  fr: continental('$1,$2'),
  generic: continental('$1.$2'),
};

function continental(number: string): readonly [RegExp, string][] {
  return [
    [/,"/g, '",'],
    [/(\.+)"(\s*[^<])/g, '"$1$2'],
    [/(\d)\u00a0(\d)/g, number],
  ];
}

/** One line of text in the punctuation style of its language. */
export function normalizePunctuation(
  line: string,
  { language, penn = false, legacy = false }: NormalizePunctuationOptions,
): string {
  const singleQuotes: readonly [RegExp, string][] = [[/[‘‚’]/g, legacy ? '"' : "'"]];
  const plainQuotes = penn || legacy ? [] : PLAIN_QUOTES;
  // Moses' rules see the line end: a dot before a closing quote moves behind it there too.
  let text = `${line}\n`;
  for (const rules of [SPACING, plainQuotes, MARKS, singleQuotes, MORE_MARKS, BY_LANGUAGE[language]]) {
    for (const [pattern, replacement] of rules) text = text.replace(pattern, replacement);
  }
  return text.slice(0, -1);
}
