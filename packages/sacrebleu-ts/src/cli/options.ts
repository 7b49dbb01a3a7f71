/** The flags, those of the original; and what they stand for. */
import { SMOOTH_DEFAULTS, type SmoothMethod } from '../bleu/smoothing.js';
import { BUILT_IN_TOKENIZERS, PLUGGABLE_TOKENIZERS, type TokenizerName } from '../tokenizers/tokenizer.js';

export const METRIC_NAMES = ['bleu', 'chrf', 'ter'] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

export const OUTPUT_FORMATS = ['json', 'text', 'latex'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What a command line says. */
export interface Arguments {
  refs: string[];
  input: string[] | null;
  numRefs: number;
  encoding: string;
  metrics: MetricName[];
  sentenceLevel: boolean;
  languagePair: string | null;
  smoothMethod: SmoothMethod;
  smoothValue: number | null;
  tokenize: TokenizerName | null;
  tokenizerModule: string | null;
  lowercase: boolean;
  force: boolean;
  chrfCharOrder: number;
  chrfWordOrder: number;
  chrfBeta: number;
  chrfWhitespace: boolean;
  chrfLowercase: boolean;
  chrfEpsSmoothing: boolean;
  terCaseSensitive: boolean;
  terAsianSupport: boolean;
  terNoPunct: boolean;
  terNormalized: boolean;
  confidence: boolean;
  confidenceN: number;
  pairedAr: boolean;
  pairedBs: boolean;
  pairedArN: number;
  pairedBsN: number;
  pairedJobs: number;
  quiet: boolean;
  short: boolean;
  scoreOnly: boolean;
  width: number;
  detail: boolean;
  noColor: boolean;
  format: OutputFormat;
  help: boolean;
  version: boolean;
  testSet: string | null;
  list: boolean;
  citation: boolean;
  download: string | null;
  echo: string[] | null;
  origlang: string | null;
  subset: string | null;
}

export const DEFAULTS: Arguments = {
  refs: [],
  input: null,
  numRefs: 1,
  encoding: 'utf-8',
  metrics: ['bleu'],
  sentenceLevel: false,
  languagePair: null,
  smoothMethod: 'exp',
  smoothValue: null,
  tokenize: null,
  tokenizerModule: null,
  lowercase: false,
  force: false,
  chrfCharOrder: 6,
  chrfWordOrder: 0,
  chrfBeta: 2,
  chrfWhitespace: false,
  chrfLowercase: false,
  chrfEpsSmoothing: false,
  terCaseSensitive: false,
  terAsianSupport: false,
  terNoPunct: false,
  terNormalized: false,
  confidence: false,
  confidenceN: 1000,
  pairedAr: false,
  pairedBs: false,
  pairedArN: 10000,
  pairedBsN: 1000,
  pairedJobs: 1,
  quiet: false,
  short: false,
  scoreOnly: false,
  width: 1,
  detail: false,
  noColor: false,
  format: 'json',
  help: false,
  version: false,
  testSet: null,
  list: false,
  citation: false,
  download: null,
  echo: null,
  origlang: null,
  subset: null,
};

/** `list` takes any number of words, `some` at least one. */
export type OptionKind = 'flag' | 'text' | 'integer' | 'number' | 'list' | 'some';

export interface OptionSpec {
  names: readonly string[];
  key: Exclude<keyof Arguments, 'refs'>;
  kind: OptionKind;
  choices?: readonly string[];
  help: string;
}

const option = (
  names: string,
  key: OptionSpec['key'],
  kind: OptionKind,
  help: string,
  choices?: readonly string[],
): OptionSpec => ({ names: names.split(' '), key, kind, choices, help });

/** Groups in the order of the help. */
export const OPTION_GROUPS: readonly { title: string; options: readonly OptionSpec[] }[] = [
  {
    title: 'Input',
    options: [
      option('--input -i', 'input', 'list', 'Files with the outputs of systems, instead of standard input.'),
      option('--num-refs -nr', 'numRefs', 'integer', 'References in one file, separated by tabs (default 1).'),
      option('--encoding -e', 'encoding', 'text', 'Encoding of all texts (default utf-8).'),
      option('--language-pair -l', 'languagePair', 'text', 'Such as en-zh; chooses the tokenizer of BLEU.'),
    ],
  },
  {
    title: 'Metrics',
    options: [
      option('--metrics -m', 'metrics', 'some', 'Metrics to compute (default bleu).', METRIC_NAMES),
      option('--sentence-level -sl', 'sentenceLevel', 'flag', 'A score per sentence.'),
    ],
  },
  {
    title: 'BLEU',
    options: [
      option('--smooth-method -s', 'smoothMethod', 'text', 'Smoothing (default exp).', Object.keys(SMOOTH_DEFAULTS)),
      option('--smooth-value -sv', 'smoothValue', 'number', 'Value for floor (default 0.1) and add-k (default 1).'),
      option('--tokenize -tok', 'tokenize', 'text', 'Tokenizer (default 13a, or that of the target language).', [
        ...BUILT_IN_TOKENIZERS,
        ...PLUGGABLE_TOKENIZERS,
      ]),
      option(
        '--tokenizer-module',
        'tokenizerModule',
        'text',
        'JavaScript module whose default export tokenizes lines.',
      ),
      option('--lowercase -lc', 'lowercase', 'flag', 'Compare without case.'),
      option('--force', 'force', 'flag', 'No warning of text that looks tokenized.'),
    ],
  },
  {
    title: 'chrF',
    options: [
      option('--chrf-char-order -cc', 'chrfCharOrder', 'integer', 'Longest character n-grams (default 6).'),
      option('--chrf-word-order -cw', 'chrfWordOrder', 'integer', 'Longest word n-grams (default 0); 2 is chrF++.'),
      option('--chrf-beta', 'chrfBeta', 'integer', 'Weight of recall against precision (default 2).'),
      option('--chrf-whitespace', 'chrfWhitespace', 'flag', 'Count whitespace among the characters.'),
      option('--chrf-lowercase', 'chrfLowercase', 'flag', 'Compare without case.'),
      option('--chrf-eps-smoothing', 'chrfEpsSmoothing', 'flag', 'Smooth as chrF++.py, NLTK and Moses do.'),
    ],
  },
  {
    title: 'TER',
    options: [
      option('--ter-case-sensitive', 'terCaseSensitive', 'flag', 'Compare with case.'),
      option(
        '--ter-asian-support',
        'terAsianSupport',
        'flag',
        'Split ideographs (normalized), remove their punctuation.',
      ),
      option('--ter-no-punct', 'terNoPunct', 'flag', 'Remove punctuation.'),
      option('--ter-normalized', 'terNormalized', 'flag', 'Normalize and tokenize.'),
    ],
  },
  {
    title: 'Confidence and significance',
    options: [
      option('--confidence -ci', 'confidence', 'flag', '95 % confidence interval by bootstrap resampling.'),
      option('--confidence-n -cin', 'confidenceN', 'integer', 'Resamples of it (default 1000).'),
      option('--paired-ar -par', 'pairedAr', 'flag', 'Test systems against the first: approximate randomization.'),
      option('--paired-bs -pbs', 'pairedBs', 'flag', 'Test systems against the first: bootstrap resampling.'),
      option('--paired-ar-n -parn', 'pairedArN', 'integer', 'Trials (default 10000).'),
      option('--paired-bs-n -pbsn', 'pairedBsN', 'integer', 'Resamples (default 1000).'),
      option('--paired-jobs -j', 'pairedJobs', 'integer', 'Accepted, and without effect: one process does it all.'),
    ],
  },
  {
    title: 'Output',
    options: [
      option('--format -f', 'format', 'text', 'json (default), text, or latex for several systems.', OUTPUT_FORMATS),
      option('--width -w', 'width', 'integer', 'Digits after the point (default 1).'),
      option('--score-only -b', 'scoreOnly', 'flag', 'Only the number.'),
      option('--short -sh', 'short', 'flag', 'Short signatures.'),
      option('--quiet -q', 'quiet', 'flag', 'No notes.'),
      option('--no-color -nc', 'noColor', 'flag', 'No colours.'),
      option('--detail -d', 'detail', 'flag', 'Text instead of JSON; there are no subsets to detail.'),
      option('--version -V', 'version', 'flag', 'Version of this program.'),
      option('--help -h', 'help', 'flag', 'This text.'),
    ],
  },
  {
    title: 'Test sets, of which there are none here: refused',
    options: [
      option('--test-set -t', 'testSet', 'text', 'Give the files of references instead.'),
      option('--list', 'list', 'flag', ''),
      option('--citation --cite', 'citation', 'flag', ''),
      option('--download', 'download', 'text', ''),
      option('--echo', 'echo', 'some', ''),
      option('--origlang -ol', 'origlang', 'text', ''),
      option('--subset', 'subset', 'text', ''),
    ],
  },
];

export const OPTIONS: readonly OptionSpec[] = OPTION_GROUPS.flatMap(({ options }) => options);
