/** The step `dataset/tokens`: a corpus as ids on disk, one file a split. */
import { join } from 'node:path';
import { defineComponent, type Step, stepRef, UserError } from '@t2r/core';
import { loadTokenizer, readText, safePieces, type Tokenizer } from '@t2r/tokenizers';
import { z } from 'zod';
import { writeLengths } from './documents.js';
import { encodeLines, sharesEdges } from './encode-lines.js';
import { checkSplit, tokenDtype, writeTokens } from './token-file.js';
import type { CorpusData, PlannedCorpus, PlannedTokens, TextSource, TokensData } from './types.js';

const schema = z
  .strictObject({
    from: stepRef('corpus', 'The step whose text is encoded.'),
    tokenizer: stepRef(['tokenizer', 'checkpoint'], 'The step whose tokenizer encodes it.'),
    separator: z
      .enum(['none', 'endOfText', 'lineEnd'])
      .default('none')
      .describe(
        "What stands after each document: nothing; the tokenizer's end-of-text token; or lineEnd, its token of a line end where the last line lacks one.",
      ),
    start: z
      .enum(['none', 'endOfText'])
      .optional()
      .describe(
        'What stands before each split (with documents: lines, before each line): nothing, or the end-of-text token, so that the first token of the text is predicted too. Default: none.',
      ),
    documents: z
      .enum(['files', 'lines'])
      .optional()
      .describe(
        'What a document is: a file, or a line without its end, empty ones included. Where the same token stands before and after lines, it stands between them once. Default: files.',
      ),
    most: z
      .record(z.string(), z.int().min(1))
      .optional()
      .describe('Takes only the first documents of a split, e.g. { test: 50 }. Default: all.'),
  })
  .refine(({ documents, separator }) => documents !== 'lines' || separator !== 'lineEnd', {
    path: ['separator'],
    message: 'lineEnd ends files; with documents: lines, endOfText ends each line',
  });

/** What encoding a sequence of documents counted. */
export interface EncodedCounts {
  /** UTF-8 bytes of the text. */
  bytes: number;
  documents: number;
}

export interface EncodeOptions {
  /** Put after every document. */
  separator?: number;
  /** Put after a document whose last line has no line end. */
  lineEnd?: number;
  counts: EncodedCounts;
  signal?: AbortSignal;
}

/**
 * Ids of documents one after the other, in pieces; each document's ids equal those of encoding it as one string. `counts`
 * is added to as the pieces go out.
 */
export async function* encodeDocuments(
  documents: Iterable<TextSource>,
  tokenizer: Tokenizer,
  { separator, lineEnd, counts, signal }: EncodeOptions,
): AsyncGenerator<Int32Array> {
  for (const document of documents) {
    let ended = true;
    for await (const piece of safePieces(document, (text) => tokenizer.cutPoint(text))) {
      signal?.throwIfAborted();
      counts.bytes += Buffer.byteLength(piece);
      ended = piece.endsWith('\n');
      yield tokenizer.encode(piece);
    }
    counts.documents++;
    if (separator !== undefined) yield Int32Array.of(separator);
    if (lineEnd !== undefined && !ended) yield Int32Array.of(lineEnd);
  }
}

type Options = z.output<typeof schema>;

/** Ids that stand before a split and after a document. @throws UserError where the tokenizer has no such entry. */
function edges(
  { endOfText, endOfLine }: Tokenizer,
  step: string,
  { separator, start }: Pick<Options, 'separator' | 'start'>,
): { first?: number; separator?: number; lineEnd?: number } {
  const needed = (id: number | undefined, what: string, option: string, training: string) => {
    if (id !== undefined) return id;
    throw new UserError(`the tokenizer of step ${step} has no ${what} for \`${option}\``, {
      hint: `train it with ${training}, or leave \`${option}\` out`,
    });
  };
  const end = (option: string) => needed(endOfText, 'end-of-text token', option, "specialTokens: ['<|endoftext|>']");
  return {
    first: start === 'endOfText' ? end('start') : undefined,
    separator: separator === 'endOfText' ? end('separator') : undefined,
    lineEnd:
      separator === 'lineEnd' ? needed(endOfLine, 'token of a line end', 'separator', 'algorithm: word') : undefined,
  };
}

function createTokensStep(options: Options): Step {
  const { from, tokenizer: tokenizerRef, separator, start, documents: kind = 'files', most = {} } = options;
  return {
    produces: 'tokens',
    plan({ input }) {
      const splits = (input(from).produces as PlannedCorpus | undefined)?.splits;
      for (const split of Object.keys(most)) checkSplit(splits, split);
      const vocab = (input(tokenizerRef).produces as { vocab?: number } | undefined)?.vocab;
      return { produces: { vocab, splits } satisfies PlannedTokens };
    },
    async run({ input, folder, events, signal }) {
      const { splits } = input(from).data as CorpusData;
      const tokenizer = await loadTokenizer(input(tokenizerRef).folder);
      const { first, ...after } = edges(tokenizer, tokenizerRef.step, { separator, start });
      const dtype = tokenDtype(tokenizer.vocabSize);
      const data: TokensData = { vocab: tokenizer.vocabSize, unit: tokenizer.unit, splits: {} };
      const metrics: Record<string, number> = {};
      const files = Object.values(splits).reduce((sum, split) => sum + split.files.length, 0);
      let done = 0;
      for (const [split, { files: paths }] of Object.entries(splits)) {
        const counts: EncodedCounts = { bytes: 0, documents: 0 };
        const lengths: number[] = [];
        const read = function* () {
          for (const { path } of kind === 'files' ? paths.slice(0, most[split]) : paths) {
            events.progress(done++, { total: files, unit: 'files' });
            yield path;
          }
        };
        const texts = function* () {
          for (const path of read()) yield readText(path);
        };
        const ids = async function* () {
          if (kind === 'lines') {
            const { separator } = after;
            yield* encodeLines(read(), tokenizer, { first, separator, counts, lengths, most: most[split], signal });
            return;
          }
          if (first !== undefined) yield Int32Array.of(first);
          yield* encodeDocuments(texts(), tokenizer, { ...after, counts, signal });
        };
        const file = `${split}.bin`;
        const tokens = await writeTokens(join(folder, file), dtype, ids());
        data.splits[split] = { file, dtype, tokens, ...counts };
        const shared = sharesEdges({ first, ...after });
        if (kind === 'lines') data.splits[split].lengths = await writeLengths(folder, split, lengths, shared ? 1 : 0);
        if (first !== undefined) data.splits[split].start = tokenizer.idToToken(first);
        const starts = first === undefined ? 0 : kind === 'files' || shared ? 1 : counts.documents;
        metrics[`${split}.tokens`] = tokens - starts;
        metrics[`${split}.bytes`] = counts.bytes;
      }
      events.progress(files, { total: files, unit: 'files' });
      return { metrics, data };
    },
  };
}

export const tokensStep = defineComponent({
  kind: 'step',
  name: 'dataset/tokens',
  description: 'Encodes a corpus with a tokenizer into one file of ids a split.',
  schema,
  create: createTokensStep,
});
