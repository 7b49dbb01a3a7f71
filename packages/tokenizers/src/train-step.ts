/** The step `tokenizer/train`: a vocabulary from the text of a corpus. */
import { join } from 'node:path';
import { type Artifact, defineComponent, deriveSeed, type Step, type StepProblem, stepRef, UserError } from '@t2r/core';
import { z } from 'zod';
import { TOKENIZER_FILE } from './load.js';
import { readText } from './text-files.js';
import { trainByteLevelBpe, trainWordLevel } from './train.js';
import { fixedEntries, trainMore } from './train-more.js';
import { ALGORITHMS, misplacedOptions, moreOptions } from './train-options.js';
import type { BitextData, CorpusData, Tokenizer } from './types.js';
import { DICTIONARIES, filledSize, specialEntries } from './word-dictionary.js';

const schema = z.strictObject({
  from: stepRef(['corpus', 'bitext'], 'The step whose text the vocabulary is learned from; parallel text too.'),
  split: z.string().default('train').describe('Split of the corpus to learn from.'),
  side: z
    .enum(['both', 'source', 'target'])
    .optional()
    .describe('Of parallel text: which side to learn from. Default: both, for a vocabulary that they share.'),
  algorithm: z
    .enum(ALGORITHMS)
    .default('bpe')
    .describe(
      'bpe: byte-level BPE as GPT-2; any text has ids. word: words between white space, the rest is <unk>. ' +
        'subword-nmt: BPE within words, @@ marks the parts. sentencepiece-bpe, sentencepiece-unigram: pieces of text with its spaces.',
    ),
  vocab: z
    .int()
    .min(2)
    .max(2 ** 21)
    .optional()
    .describe(
      'Size of the vocabulary, special tokens included. bpe: at least the 256 bytes. word: the most frequent words. Needed, but for subword-nmt with `merges`.',
    ),
  minFrequency: z
    .int()
    .min(1)
    .optional()
    .describe('How often a pair (bpe and subword-nmt, default 2) or a word (word, default 1) must occur to get an id.'),
  specialTokens: z
    .array(z.string().min(1))
    .default([])
    .describe(
      'Tokens recognised in text as they stand, e.g. <|endoftext|>; they get the first ids, or those after <unk> and the like.',
    ),
  lineEnds: z
    .boolean()
    .default(true)
    .describe('word and subword-nmt: read each line end as the word <eos>, or </s> with fairseq and subword-nmt.'),
  dictionary: z
    .enum(DICTIONARIES)
    .optional()
    .describe(
      "word: plain begins with <unk>, <eos>; fairseq is fairseq-preprocess's: <s>, <pad>, </s>, <unk>, words by falling count, filled up to a multiple of 8. Default: plain.",
    ),
  ...moreOptions,
});
type TrainTokenizerOptions = z.output<typeof schema>;

/** Special tokens and the 256 bytes always have ids, whatever size is asked for. */
function smallestVocab(options: TrainTokenizerOptions & { vocab: number }): number {
  const { algorithm, specialTokens, lineEnds, dictionary = 'plain' } = options;
  if (algorithm === 'bpe') return new Set(specialTokens).size + 256;
  if (algorithm !== 'word') return fixedEntries(algorithm, options);
  return specialEntries(dictionary, { endOfLine: lineEnds, specialTokens }).special.length;
}

/** What is wrong with how the size is given, if anything. */
function sizeProblems({ algorithm, vocab, merges }: TrainTokenizerOptions): StepProblem[] {
  if (vocab === undefined && merges === undefined) {
    const message = 'the size of the vocabulary is missing';
    return [{ path: [], message, hint: algorithm === 'subword-nmt' ? 'give `vocab` or `merges`' : 'give `vocab`' }];
  }
  if (vocab === undefined || merges === undefined) return [];
  return [{ path: ['merges'], message: '`vocab` and `merges` both say how much to learn', hint: 'give one of them' }];
}

/** Paths of the text to learn from: files of a corpus, or sides of parallel text. @throws UserError without such a split. */
function textFiles({ from, split, side }: TrainTokenizerOptions, { kind, data }: Artifact): string[] {
  const { splits } = data as CorpusData | BitextData;
  const found = splits[split];
  if (found === undefined) {
    throw new UserError(`the corpus of step ${from.step} has no split "${split}"`, {
      hint: `its splits: ${Object.keys(splits).join(', ')}`,
    });
  }
  if ('files' in found) {
    if (side === undefined) return found.files.map(({ path }) => path);
    throw new UserError(`the text of step ${from.step} has no sides: it leaves a ${kind}`, {
      hint: 'leave `side` out, or learn from parallel text',
    });
  }
  return (side === undefined || side === 'both' ? (['source', 'target'] as const) : [side]).map(
    (name) => found[name].path,
  );
}

/**
 * Size of the vocabulary as far as it is known before the text is read. With `merges` it lacks the characters: some thousands
 * in web text, a few per cent of a model's parameters.
 */
function plannedVocab(options: TrainTokenizerOptions): number {
  const { algorithm, dictionary = 'plain', vocab, merges } = options;
  if (algorithm === 'subword-nmt' && vocab === undefined) return fixedEntries(algorithm, options) + merges!;
  return algorithm === 'word' ? filledSize(dictionary, vocab!) : vocab!;
}

function createTrainStep(options: TrainTokenizerOptions): Step {
  const { from, algorithm, minFrequency, specialTokens, lineEnds, dictionary } = options;
  return {
    produces: 'tokenizer',
    check() {
      if (dictionary !== undefined && algorithm !== 'word') {
        const message = `a ${dictionary} dictionary holds words, and algorithm is ${algorithm}`;
        return [{ path: ['dictionary'], message, hint: 'set algorithm: word, or leave `dictionary` out' }];
      }
      const misplaced = misplacedOptions(algorithm, options);
      if (misplaced.length > 0) return misplaced;
      const sizes = sizeProblems(options);
      const { vocab } = options;
      if (sizes.length > 0 || vocab === undefined) return sizes;
      let smallest: number;
      try {
        smallest = smallestVocab({ ...options, vocab });
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        return [{ path: ['specialTokens'], message: error.message, hint: error.hint }];
      }
      if (vocab >= smallest) return [];
      const needs = algorithm === 'bpe' ? 'the 256 bytes and the special tokens' : 'the special tokens';
      return [{ path: ['vocab'], message: `${vocab} entries cannot hold ${needs}`, hint: `give at least ${smallest}` }];
    },
    plan: () => ({ produces: { vocab: plannedVocab(options) } }),
    async run({ input, folder, signal, events, seed }) {
      const start = performance.now();
      const files = textFiles(options, input(from));
      // Checked: only with `merges` may it be missing.
      const vocab = options.vocab!;
      const documents = function* () {
        for (const [done, path] of files.entries()) {
          events.progress(done, { total: files.length, unit: 'files' });
          yield readText(path);
        }
        events.progress(files.length, { total: files.length, unit: 'files' });
      };
      let tokenizer: Tokenizer;
      if (algorithm === 'bpe') {
        tokenizer = await trainByteLevelBpe(documents(), { vocab, minFrequency, specialTokens, signal });
      } else if (algorithm === 'word') {
        tokenizer = await trainWordLevel(documents(), {
          vocab,
          minFrequency,
          specialTokens,
          endOfLine: lineEnds,
          dictionary,
          signal,
        });
      } else {
        tokenizer = await trainMore(documents(), algorithm, options, {
          seed: deriveSeed(seed, 'tokenizer/train'),
          signal,
          onProgress: (unit, done, total) => events.progress(done, { total, unit }),
        });
      }
      if (options.vocab !== undefined && tokenizer.vocabSize < vocab) {
        events.info(`the text gives ${tokenizer.vocabSize} entries, fewer than the ${vocab} asked for`);
      }
      await tokenizer.save(join(folder, tokenizer.file ?? TOKENIZER_FILE));
      const seconds = (performance.now() - start) / 1000;
      return {
        metrics: { vocab: tokenizer.vocabSize, seconds },
        data: { algorithm, vocab: tokenizer.vocabSize },
      };
    },
  };
}

export const trainStep = defineComponent({
  kind: 'step',
  name: 'tokenizer/train',
  description:
    'Learns a tokenizer from a corpus: byte-level BPE, words, subword-nmt BPE, SentencePiece BPE or unigram.',
  schema,
  create: createTrainStep,
});
