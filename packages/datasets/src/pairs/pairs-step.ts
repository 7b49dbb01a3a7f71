/** The step `dataset/pairs`: parallel text as ids on disk, ready to be batched. */
import { defineComponent, type Step, type StepProblem, stepRef, UserError } from '@t2r/core';
import { type BitextData, loadTokenizer, sourceTokenizerFiles, type Tokenizer } from '@t2r/tokenizers';
import { z } from 'zod';
import { isTestSplit } from '../bitext/splits.js';
import { cleanOptions } from '../prepare/clean.js';
import { tokenDtype } from '../token-file.js';
import type { PlannedBitext } from '../types.js';
import { type EncodeCounts, type EncodeSide, encodeSplit, TOO_LONG } from './encode-split.js';
import { writePairs } from './pair-files.js';
import { specialIds, specialOptions } from './special.js';
import type { PairsData, PlannedPairs } from './types.js';

const tokenizerRef = (what: string) => stepRef(['tokenizer', 'checkpoint'], what).optional();

const schema = z.strictObject({
  from: stepRef('bitext', 'The step whose parallel text is encoded.'),
  tokenizer: tokenizerRef('The step whose tokenizer encodes both sides: a vocabulary that they share.'),
  source: tokenizerRef('The step whose tokenizer encodes the source side, where each side has its own.'),
  target: tokenizerRef('The step whose tokenizer encodes the target side.'),
  special: specialOptions.prefault({}).describe("What stands before and after sentences. Default: fairseq's </s>."),
  maxTokens: z
    .int()
    .min(2)
    .max(1 << 20)
    .default(1024)
    .describe('Most tokens of a sentence, with what stands before and after it.'),
  tooLong: z
    .enum(TOO_LONG)
    .default('skip')
    .describe('What becomes of pairs with a longer sentence. Pairs of test sets are never left out but cut.'),
  clean: cleanOptions
    .optional()
    .describe(
      'Leaves out pairs of the training and validation text by their numbers of tokens, as clean-corpus-n.perl does behind BPE.',
    ),
});

/** Share of unknown tokens from which on the user is told. */
const MANY_UNKNOWN = 0.01;

function createPairsStep({ from, special, maxTokens, tooLong, clean, ...refs }: z.output<typeof schema>): Step {
  const sourceRef = refs.source ?? refs.tokenizer!;
  const targetRef = refs.target ?? refs.tokenizer!;
  return {
    produces: 'pairs',
    check: () => tokenizerProblems(refs),
    plan({ input }) {
      const vocab = (ref: typeof sourceRef) => (input(ref).produces as { vocab?: number } | undefined)?.vocab;
      const { splits } = (input(from).produces ?? {}) as Partial<PlannedBitext>;
      return {
        produces: { splits, sourceVocab: vocab(sourceRef), targetVocab: vocab(targetRef) } satisfies PlannedPairs,
      };
    },
    async run({ input, folder, events, signal }) {
      const text = input(from).data as BitextData;
      const { folder: sourceFolder } = input(sourceRef);
      // A checkpoint may have a tokenizer for its sources alone.
      const [ofSources] = await sourceTokenizerFiles(sourceFolder);
      const sourceTokenizer = await loadTokenizer(ofSources ?? sourceFolder);
      const same = sourceRef.step === targetRef.step && ofSources === undefined;
      const targetTokenizer = same ? sourceTokenizer : await loadTokenizer(input(targetRef).folder);
      const ids = specialIds(
        { tokenizer: sourceTokenizer, step: sourceRef.step },
        { tokenizer: targetTokenizer, step: targetRef.step },
        special,
      );
      const around = [ids.source.start, ids.source.end].filter((id) => id !== undefined).length;
      const data: PairsData = {
        source: { ...describe(text.source, sourceTokenizer), ...ids.source },
        target: { ...describe(text.target, targetTokenizer), ...ids.target },
        splits: {},
      };
      const metrics: Record<string, number> = {};
      const dtypes = { source: tokenDtype(data.source.vocab), target: tokenDtype(data.target.vocab) };
      for (const [split, lines] of Object.entries(text.splits)) {
        const source = side(sourceTokenizer, maxTokens - around, split);
        const target = side(targetTokenizer, maxTokens - 1, split);
        // A shared vocabulary is used by both sides.
        if (same) target.seen = source.seen;
        const isTest = isTestSplit(split);
        const counts: EncodeCounts = { filtered: {}, truncated: 0 };
        const pairs = encodeSplit(lines, {
          source,
          target,
          tooLong: isTest && tooLong === 'skip' ? 'truncate' : tooLong,
          clean: isTest ? undefined : clean,
          keepEmpty: isTest,
          counts,
          onProgress: (done) => events.progress(done, { total: lines.pairs, unit: `pairs of ${split}` }),
          signal,
        });
        const written = await writePairs(folder, split, dtypes, pairs);
        const left = Object.entries(counts.filtered).map(([reason, number]) => `${number} ${reason}`);
        if (written.pairs === 0) {
          throw new UserError(`no pair of the split "${split}" is left; left out: ${left.join(', ')}`, {
            hint: 'raise `maxTokens` or loosen `clean`',
          });
        }
        data.splits[split] = written;
        if (left.length > 0)
          events.info(`${split}: ${written.pairs} pairs; left out of ${lines.pairs}: ${left.join(', ')}`);
        if (counts.truncated > 0) events.warn(`${split}: ${counts.truncated} pairs were cut to ${maxTokens} tokens`);
        metrics[`${split}.pairs`] = written.pairs;
        for (const [reason, number] of Object.entries(counts.filtered)) metrics[`${split}.filtered.${reason}`] = number;
        if (counts.truncated > 0) metrics[`${split}.truncated`] = counts.truncated;
        if (same && source.seen) metrics.unused = zeros(source.seen);
        else if (source.seen && target.seen) {
          metrics['source.unused'] = zeros(source.seen);
          metrics['target.unused'] = zeros(target.seen);
        }
        for (const [name, { counts }] of [
          ['source', source],
          ['target', target],
        ] as const) {
          metrics[`${split}.${name}.tokens`] = counts.tokens;
          const unknown = counts.unknown / Math.max(1, counts.tokens);
          metrics[`${split}.${name}.unknown`] = unknown;
          if (unknown >= MANY_UNKNOWN) {
            events.warn(
              `${split}: ${(100 * unknown).toFixed(1)} % of the ${name} tokens have no entry in the vocabulary`,
            );
          }
        }
      }
      return { metrics, data };
    },
  };
}

const describe = (language: string, { vocabSize, unit }: Tokenizer) => ({ language, vocab: vocabSize, unit });

/** Entries that the training text never uses. */
const zeros = (seen: Uint32Array) => seen.reduce((sum, count) => (count === 0 ? sum + 1 : sum), 0);

const side = (tokenizer: Tokenizer, most: number, split: string): EncodeSide => ({
  tokenizer,
  most,
  unknown: tokenizer.tokenToId('<unk>'),
  seen: split === 'train' ? new Uint32Array(tokenizer.vocabSize) : undefined,
  counts: { tokens: 0, unknown: 0 },
});

/** Either one tokenizer, or one a side. */
function tokenizerProblems({
  tokenizer,
  source,
  target,
}: Partial<Record<'tokenizer' | 'source' | 'target', unknown>>): StepProblem[] {
  const hint = 'give `tokenizer` for both sides, or `source` and `target`';
  if (tokenizer !== undefined) {
    const more = source !== undefined ? 'source' : target !== undefined ? 'target' : undefined;
    if (more === undefined) return [];
    return [{ path: [more], message: `\`tokenizer\` is that of both sides, and there is a \`${more}\` too`, hint }];
  }
  if (source !== undefined && target !== undefined) return [];
  const missing =
    source === undefined && target === undefined
      ? 'the tokenizer'
      : `the tokenizer of the ${source === undefined ? 'source' : 'target'} side`;
  return [{ path: [], message: `${missing} is missing`, hint }];
}

export const pairsStep = defineComponent({
  kind: 'step',
  name: 'dataset/pairs',
  description: 'Encodes parallel text into files of ids whose sentences correspond.',
  schema,
  create: createPairsStep,
});
