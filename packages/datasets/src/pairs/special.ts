/** What stands before and after sentences: conventions of fairseq, Marian, mBART and the like. */
import { UserError } from '@t2r/core';
import type { Tokenizer } from '@t2r/tokenizers';
import { z } from 'zod';
import type { PairsData } from './types.js';

const entry = (what: string) => z.string().min(1).optional().describe(what);

export const specialOptions = z.strictObject({
  sourceStart: entry('Entry before each source sentence, e.g. a language. Default: none.'),
  sourceEnd: z
    .union([z.string().min(1), z.literal(false)])
    .optional()
    .describe("Entry after each source sentence; false for none. Default: the tokenizer's end of text, </s> for most."),
  targetStart: entry('Entry that the decoder begins with. Default: what ends the target, as in fairseq.'),
  targetEnd: entry("Entry after each target sentence. Default: the tokenizer's end of text, </s> for most."),
  pad: entry('Entry that fills rows up. Default: <pad>, or the one that ends sentences where there is none.'),
});
export type SpecialOptions = z.output<typeof specialOptions>;

/** Ids of the special entries on both sides. @throws UserError where a vocabulary lacks one that is needed. */
export function specialIds(
  source: { tokenizer: Tokenizer; step: string },
  target: { tokenizer: Tokenizer; step: string },
  { sourceStart, sourceEnd, targetStart, targetEnd, pad }: SpecialOptions,
): {
  source: Pick<PairsData['source'], 'start' | 'end' | 'pad'>;
  target: Pick<PairsData['target'], 'start' | 'end' | 'pad'>;
} {
  const named = ({ tokenizer, step }: typeof source, token: string, option: string) => {
    const id = tokenizer.tokenToId(token);
    if (id !== undefined) return id;
    throw new UserError(`the tokenizer of step ${step} has no entry ${token} for \`special.${option}\``, {
      hint: `train it with specialTokens: ['${token}'], or name an entry that it has`,
    });
  };
  const end = (side: typeof source, token: string | undefined, option: string) => {
    if (token !== undefined) return named(side, token, option);
    const id = side.tokenizer.endOfText ?? side.tokenizer.tokenToId('</s>');
    if (id !== undefined) return id;
    throw new UserError(`the tokenizer of step ${side.step} has no entry that ends a text`, {
      hint: `train it with specialTokens: ['<|endoftext|>'], or name an entry as \`special.${option}\``,
    });
  };
  const padOf = (side: typeof source, otherwise: number) =>
    pad === undefined ? (side.tokenizer.tokenToId('<pad>') ?? otherwise) : named(side, pad, 'pad');
  const sourceEndId = sourceEnd === false ? undefined : end(source, sourceEnd, 'sourceEnd');
  const targetEndId = end(target, targetEnd, 'targetEnd');
  return {
    source: {
      start: sourceStart === undefined ? undefined : named(source, sourceStart, 'sourceStart'),
      end: sourceEndId,
      pad: padOf(source, sourceEndId ?? 0),
    },
    target: {
      start: targetStart === undefined ? targetEndId : named(target, targetStart, 'targetStart'),
      end: targetEndId,
      pad: padOf(target, targetEndId),
    },
  };
}
