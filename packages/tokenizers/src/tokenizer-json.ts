/**
 * The parts of Hugging Face's tokenizer.json that the tokenizers of this package can stand for exactly. A file that does
 * not fit one of these schemas belongs to a tokenizer of another kind.
 */
import { z } from 'zod';

const addedToken = z.object({
  id: z.int().nonnegative(),
  content: z.string(),
  single_word: z.literal(false),
  lstrip: z.literal(false),
  rstrip: z.literal(false),
  normalized: z.boolean(),
  special: z.boolean(),
});
/** An entry of `added_tokens` that is found as it stands, without a look at its neighbours. */
export type AddedToken = z.infer<typeof addedToken>;

const byteLevel = z.object({
  type: z.literal('ByteLevel'),
  add_prefix_space: z.boolean().default(true),
  trim_offsets: z.boolean().default(true),
  use_regex: z.boolean().default(true),
});

/** Ids by entry. Not `z.record`: that drops an entry named `__proto__`. */
export const vocabulary = z.custom<Record<string, number>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((id) => Number.isInteger(id) && id >= 0 && id < MAX_VOCAB),
  'expected a mapping from entries to ids',
);
/** Pairs of ids are kept in one double, which leaves 21 bits for each. */
const MAX_VOCAB = 2 ** 21;

/** A special token of the kind training makes. */
export function specialToken(id: number, content: string): AddedToken & { special: true } {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
}

const common = {
  version: z.string().optional(),
  truncation: z.unknown(),
  padding: z.unknown(),
};

/** Byte-level BPE with GPT-2's pre-tokenisation and no normalisation. */
export const bpeFile = z.object({
  ...common,
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.null().optional(),
  pre_tokenizer: byteLevel.extend({ add_prefix_space: z.literal(false), use_regex: z.literal(true).default(true) }),
  // What a post-processor adds around a sequence is not part of `Tokenizer.encode`.
  post_processor: z.unknown(),
  decoder: byteLevel,
  model: z.object({
    type: z.literal('BPE').default('BPE'),
    dropout: z.null().optional(),
    unk_token: z.null().optional(),
    continuing_subword_prefix: z.literal('').nullish(),
    end_of_word_suffix: z.literal('').nullish(),
    fuse_unk: z.boolean().optional(),
    byte_fallback: z.literal(false).optional(),
    ignore_merges: z.boolean().optional(),
    vocab: vocabulary,
    // Files written before tokenizers 0.20 hold `"left right"`.
    merges: z.array(
      z.union([
        z.tuple([z.string(), z.string()]),
        z.string().transform((merge) => merge.split(' ') as [string, string]),
      ]),
    ),
  }),
});
export type BpeFile = z.infer<typeof bpeFile>;

/** Whitespace-separated words. A normaliser may write line ends as a word of their own; a special token ends a text. */
export const wordFile = z.object({
  ...common,
  added_tokens: z
    .array(addedToken.extend({ special: z.literal(true) }))
    .max(1)
    .default([]),
  normalizer: z
    .object({
      type: z.literal('Replace'),
      pattern: z.object({ String: z.literal('\n') }),
      content: z.string().regex(/^ \S+ $/),
    })
    .nullish(),
  pre_tokenizer: z.object({ type: z.literal('WhitespaceSplit') }),
  post_processor: z.null().optional(),
  decoder: z.null().optional(),
  model: z.object({
    type: z.literal('WordLevel'),
    vocab: vocabulary,
    unk_token: z.string(),
  }),
});
export type WordFile = z.infer<typeof wordFile>;

/** Vocabulary by id; ids without an entry are undefined. */
export function tokensById(vocab: Record<string, number>): (string | undefined)[] {
  const tokens: (string | undefined)[] = [];
  for (const [token, id] of Object.entries(vocab)) tokens[id] = token;
  return tokens;
}

/** Text of a tokenizer.json, indented by two spaces, with the vocabulary in the order of its ids. */
export function formatFile(file: { model: { vocab: Record<string, number> } }): string {
  // An object would list entries that look like integers first; a placeholder keeps their place for the real order.
  const entries = Object.entries(file.model.vocab).sort(([, a], [, b]) => a - b);
  const vocab = entries.map(([token, id]) => `      ${JSON.stringify(token)}: ${id}`).join(',\n');
  const text = JSON.stringify({ ...file, model: { ...file.model, vocab: 0 } }, null, 2);
  return text.replace('\n    "vocab": 0', () => `\n    "vocab": {\n${vocab}\n    }`);
}
