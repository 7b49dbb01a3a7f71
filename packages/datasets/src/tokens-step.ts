/** The step `dataset/tokens`: a corpus as ids on disk, one file a split. */
import { join } from 'node:path';
import { defineComponent, type Step, stepRef, UserError } from '@t2r/core';
import { loadTokenizer, readText, safePieces, type Tokenizer } from '@t2r/tokenizers';
import { z } from 'zod';
import { tokenDtype, writeTokens } from './token-file.js';
import type { CorpusData, PlannedCorpus, PlannedTokens, TextSource, TokensData } from './types.js';

const schema = z.strictObject({
  from: stepRef('corpus', 'The step whose text is encoded.'),
  tokenizer: stepRef(['tokenizer', 'checkpoint'], 'The step whose tokenizer encodes it.'),
  separator: z
    .enum(['none', 'endOfText'])
    .default('none')
    .describe("What stands after each document: nothing, or the tokenizer's end-of-text token."),
});

/** What encoding a sequence of documents counted. */
export interface EncodedCounts {
  /** UTF-8 bytes of the text. */
  bytes: number;
  documents: number;
}

/**
 * Ids of documents one after the other, in pieces; each document's ids equal those of encoding it as one string. `counts`
 * is added to as the pieces go out.
 */
export async function* encodeDocuments(
  documents: Iterable<TextSource>,
  tokenizer: Tokenizer,
  { separator, counts, signal }: { separator?: number; counts: EncodedCounts; signal?: AbortSignal },
): AsyncGenerator<Int32Array> {
  for (const document of documents) {
    for await (const piece of safePieces(document, (text) => tokenizer.cutPoint(text))) {
      signal?.throwIfAborted();
      counts.bytes += Buffer.byteLength(piece);
      yield tokenizer.encode(piece);
    }
    counts.documents++;
    if (separator !== undefined) yield Int32Array.of(separator);
  }
}

function createTokensStep({ from, tokenizer: tokenizerRef, separator }: z.output<typeof schema>): Step {
  return {
    produces: 'tokens',
    plan: ({ input }) => ({
      produces: {
        vocab: (input(tokenizerRef).produces as { vocab?: number } | undefined)?.vocab,
        splits: (input(from).produces as PlannedCorpus | undefined)?.splits,
      } satisfies PlannedTokens,
    }),
    async run({ input, folder, events, signal }) {
      const { splits } = input(from).data as CorpusData;
      const tokenizer = await loadTokenizer(input(tokenizerRef).folder);
      if (separator === 'endOfText' && tokenizer.endOfText === undefined) {
        throw new UserError(`the tokenizer of step ${tokenizerRef.step} has no end-of-text token for \`separator\``, {
          hint: "train it with specialTokens: ['<|endoftext|>'], or leave `separator` out",
        });
      }
      const dtype = tokenDtype(tokenizer.vocabSize);
      const data: TokensData = { vocab: tokenizer.vocabSize, unit: tokenizer.unit, splits: {} };
      const metrics: Record<string, number> = {};
      const files = Object.values(splits).reduce((sum, split) => sum + split.files.length, 0);
      let done = 0;
      for (const [split, { files: paths }] of Object.entries(splits)) {
        const counts: EncodedCounts = { bytes: 0, documents: 0 };
        const documents = function* () {
          for (const { path } of paths) {
            events.progress(done++, { total: files, unit: 'files' });
            yield readText(path);
          }
        };
        const ids = encodeDocuments(documents(), tokenizer, {
          separator: separator === 'endOfText' ? tokenizer.endOfText : undefined,
          counts,
          signal,
        });
        const file = `${split}.bin`;
        const tokens = await writeTokens(join(folder, file), dtype, ids);
        data.splits[split] = { file, dtype, tokens, ...counts };
        metrics[`${split}.tokens`] = tokens;
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
