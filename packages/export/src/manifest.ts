/**
 * The config.json of an exported folder: which graphs there are, what goes into them and comes out of them, and the checksums
 * of all files. This module needs neither Node nor an engine, so that a browser can read the file too.
 *
 * A step graph has the inputs `ids` int32 [batch], `position` int32 [batch] and `state.<name>` float32 of every state
 * tensor, and the outputs `logits` float32 [batch, vocab] and `next.<name>`: the new value of the state tensor, whole and of
 * the same shape, to be given as `state.<name>` next time. A sequence begins with a state of zeros at position 0. A prefill
 * graph takes `ids` int32 [batch, chunk] padded on the right and `count` int32 [batch] (how many of them are real, at least
 * one, and as many in every sequence) in addition; its logits are those after the last real position.
 */
import { UserError } from '@t2r/core/errors';
import { z } from 'zod';

export const MANIFEST_FILE = 'config.json';
export const MANIFEST_FORMAT = 't2r-onnx';
export const MANIFEST_VERSION = 2;

/** Version 1 differs in that every graph has the weights inside. */
const READ_VERSIONS = [1, MANIFEST_VERSION] as const;

/** How weights are stored. Activations and state are float32 whatever it is. */
export const EXPORT_DTYPES = ['fp32', 'fp16', 'int8', 'int4'] as const;

const size = z.int().positive();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256: 64 hexadecimal digits in lower case');
const file = z.string().regex(/^[^/\\]+$/, 'expected the name of a file in the folder');

const stateSchema = z.strictObject({
  name: z.string().describe('The graphs call it state.<name> and next.<name>.'),
  shape: z.array(size).describe('Axis 0 is the batch.'),
  grows: z
    .union([z.literal(false), z.int().nonnegative()])
    .describe(
      'Axis that counts positions, for a cache: only the first `position` along it hold something. false: a state of fixed size.',
    ),
});

const contextSchema = z.strictObject({
  name: z.string().describe('An output of the encode graph and an input of the step graph, state.<name> in both.'),
  shape: z.array(size).describe('Axis 0 is the batch.'),
});

const graphSchema = z.strictObject({ file: file.describe('The ONNX file.') });

const common = {
  format: z.literal(MANIFEST_FORMAT),
  format_version: z.literal(READ_VERSIONS),
  name: z.string().describe('Name of the model.'),
  model_hash: sha256.describe('SHA-256 over configuration and float32 weights: the same for every dtype.'),
  recurrent: z.boolean().describe('Whether the state has a fixed size, so that there is no longest text.'),
  vocab: size.describe('Tokens the logits are for.'),
  max_positions: size.nullable().describe('Positions there are, with learned ones; null where there is no end.'),
  dtype: z.enum(EXPORT_DTYPES).describe('How weights are stored. Activations and state are float32.'),
  batch: size.describe('Sequences side by side, each with its own position.'),
  capacity: size.nullable().describe('Positions that caches have room for; null without caches.'),
  step: graphSchema.describe('The graph of one token.'),
  weights: file
    .optional()
    .describe('The file that the graphs have their weights in (external data of ONNX); absent where they are inside.'),
  state: z.array(stateSchema).describe('What a sequence carries from token to token.'),
  state_bytes: z.int().nonnegative().describe('Bytes of state of one sequence; of caches, all the room they have.'),
  tokenizer: file.nullable().describe('File of the tokenizer; null where the model has none.'),
  files: z
    .record(file, z.strictObject({ bytes: z.int().nonnegative(), sha256 }))
    .describe('All other files of the folder.'),
  model: z.looseObject({ use: z.string() }).describe("The model's own configuration."),
};

const languageSchema = z.strictObject({
  ...common,
  kind: z.literal('decoder-lm'),
  prefill: graphSchema
    .extend({ chunk: size.describe('Positions that it reads at once.') })
    .describe('The graph that reads several tokens at once.'),
  end_of_text: z
    .int()
    .nonnegative()
    .nullable()
    .describe('Token that ends a text, and stands for an empty prompt; null where the tokenizer has none.'),
});

const translationSchema = z.strictObject({
  ...common,
  kind: z.literal('encoder-decoder'),
  source_vocab: size.describe('Tokens of sources.'),
  encode: graphSchema
    .extend({ source: size.describe('Tokens of a source at most; shorter ones are padded on the right.') })
    .describe('The graph from `ids` int32 [batch, source] and `lengths` int32 [batch] to the context.'),
  context: z.array(contextSchema).describe('What is made of a source once, and only read then.'),
  source_tokenizer: file.nullable().describe('Tokenizer of sources; null where it is that of targets.'),
  tokens: z
    .strictObject({
      start: z.int().nonnegative().describe("The decoder's first input."),
      end: z.int().nonnegative().describe('Ends sources and targets.'),
      padding: z.int().nonnegative().describe('Fills sources up, and is never generated.'),
    })
    .describe('Special tokens.'),
});

/** What a config.json of the format `t2r-onnx` says. */
export const manifestSchema = z.discriminatedUnion('kind', [languageSchema, translationSchema]);

export type ExportDtype = (typeof EXPORT_DTYPES)[number];
export type ExportManifest = z.output<typeof manifestSchema>;
export type LanguageManifest = z.output<typeof languageSchema>;
export type TranslationManifest = z.output<typeof translationSchema>;
export type ExportedState = z.output<typeof stateSchema>;

/**
 * Checks the content of a config.json.
 *
 * @param json its parsed JSON
 * @param where what messages call the file
 * @throws UserError where it is of another format or version, or a field is missing or wrong, with the path of each
 */
export function parseManifest(json: unknown, where = MANIFEST_FILE): ExportManifest {
  const { format, format_version: version } = (json ?? {}) as { format?: unknown; format_version?: unknown };
  if (format !== MANIFEST_FORMAT)
    throw new UserError(
      `${where} is not that of an exported model: its format is ${JSON.stringify(format) ?? 'not told'}`,
      {
        hint: `Expected "format": "${MANIFEST_FORMAT}", as \`t2r export\` writes it.`,
      },
    );
  if (!READ_VERSIONS.some((known) => known === version))
    throw new UserError(
      `${where} has format_version ${JSON.stringify(version)}; versions ${READ_VERSIONS.join(' and ')} are known`,
      {
        hint: 'Export the model again, or update this package.',
      },
    );
  const result = manifestSchema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
  throw new UserError(`${where} is not the config.json of an exported model; ${problems.join('; ')}`, {
    hint: 'Export the model again.',
  });
}
