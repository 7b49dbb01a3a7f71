/** `intl`: the international tokenization of mteval-v14, by Unicode categories. */
import { splitWords } from '../text/whitespace.js';
import type { TrustedTokenizer } from './tokenizer.js';

const AFTER_OTHER_THAN_NUMBER = /(\P{N})(\p{P})/gu;
const BEFORE_OTHER_THAN_NUMBER = /(\p{P})(\P{N})/gu;
const SYMBOL = /\p{S}/gu;

export const tokenizerIntl: TrustedTokenizer = {
  signature: 'intl',
  trusted: true,
  tokenize: (line) =>
    splitWords(
      line
        .replace(AFTER_OTHER_THAN_NUMBER, '$1 $2 ')
        .replace(BEFORE_OTHER_THAN_NUMBER, ' $1 $2')
        .replace(SYMBOL, ' $& '),
    ),
};
