/** Options of `dataset/bitext`. */
import { fileName, notInKey, pathOption, sha256Option } from '@t2r/core';
import { z } from 'zod';
import { archiveOptions } from '../archive-source.js';

const archive = z
  .string()
  .optional()
  .describe('The entry of `archives` whose members the files are; left out, they lie below `root` or `mirror`.');

const twoFiles = z.strictObject({
  source: fileName.describe('File of the source side: one sentence a line, or a .sgm file of WMT. Plain or gzip.'),
  target: fileName.describe('File of the target side, whose lines translate those of the source side.'),
  archive,
});

const columnNumber = (side: string) => z.int().min(1).describe(`Number of the column of the ${side} side, from 1.`);
const tsv = z.strictObject({
  tsv: fileName.describe('File with one pair a line, columns separated by tabs and never quoted. Plain or gzip.'),
  sourceColumn: columnNumber('source').default(1),
  targetColumn: columnNumber('target').default(2),
  header: z.boolean().default(false).describe('Whether the first line names the columns and is no pair.'),
  archive,
});

const columnName = (side: string) =>
  z.union([z.string().min(1), z.int()]).describe(`Name of the column of the ${side} side in the first line.`);
const csv = z.strictObject({
  csv: fileName.describe('Table whose first row names the columns; fields may be quoted. Plain or gzip.'),
  sourceColumn: columnName('source'),
  targetColumn: columnName('target'),
  delimiter: z.string().length(1).default(',').describe('Character between fields.'),
  archive,
});

const part = z.union([twoFiles, tsv, csv]);
export type Part = z.output<typeof part>;

const parts = (description: string) => z.union([part, z.array(part).min(1)]).describe(description);

const heldOut = z.strictObject({
  every: z.int().min(2).describe('Takes each pair of the training text whose number divides by this out of it.'),
});

const { archive: archivePath, sha256, md5, url } = archiveOptions;
const ROOT = 'Folder that the names of files and archives start from. Left empty, they are downloaded.';

const count = (what: string) => z.int().min(1).optional().describe(what);
export const filterOptions = z.strictObject({
  unit: z
    .enum(['words', 'characters'])
    .default('words')
    .describe('What the lengths count; words are what spaces part.'),
  min: count('Least length of either side.'),
  max: count('Greatest length of either side.'),
  ratio: z.number().min(1).optional().describe('How many times longer than the other one side may be.'),
  deduplicate: z
    .enum(['none', 'pairs', 'source', 'target'])
    .default('none')
    .describe('Keeps only the first of equal pairs, or of pairs whose source or target sides are equal.'),
  identical: z
    .enum(['keep', 'drop'])
    .default('keep')
    .describe('What becomes of pairs whose sides are the same text: often not translated.'),
  splits: z
    .array(z.string())
    .default(['train'])
    .describe('Splits that are filtered. Test sets should not be: scores are those of all their sentences.'),
});
export type FilterOptions = z.output<typeof filterOptions>;

export const normalizeOptions = z.strictObject({
  whitespace: z
    .boolean()
    .default(false)
    .describe('Makes each stretch of white space one space, and takes it off both ends.'),
  unicode: z.enum(['none', 'NFC', 'NFKC']).default('none').describe('Normal form of Unicode to bring all text to.'),
});
export type NormalizeOptions = z.output<typeof normalizeOptions>;

const language = (side: string) =>
  z
    .string()
    .regex(/^[A-Za-z][\w-]*$/, 'expected the name of a language, such as en')
    .describe(`Language of the ${side} side, such as en. Files are named after it.`);

export const bitextSchema = z.strictObject({
  source: language('source'),
  target: language('target'),
  root: notInKey(pathOption(ROOT).nullish().describe(ROOT)),
  mirror: notInKey(
    z.string().nullish().describe('Address under which files and archives lie, http or https; used without `root`.'),
  ),
  sha256: z
    .record(fileName, sha256Option)
    .default({})
    .describe('SHA-256 of files by their names. Files that are downloaded need one.'),
  archives: z
    .record(z.string(), z.strictObject({ archive: archivePath, sha256, md5, url }))
    .default({})
    .describe('Archives that files are members of, by a name of your choice.'),
  train: parts('Training text: a pair of files, a table, or a list of them, one after the other.'),
  valid: z
    .union([part, z.array(part).min(1), heldOut])
    .optional()
    .describe('Validation text, as `train`, or { every: 100 } for each hundredth pair of the training text.'),
  test: z
    .union([part, z.array(part).min(1), z.record(z.string(), parts('Text of the test set.'))])
    .optional()
    .describe('Test text, as `train`, or several test sets by name, which are splits of their own.'),
  filter: filterOptions.prefault({}).describe('Which pairs are left out.'),
  normalize: normalizeOptions.prefault({}).describe('How text is normalised, before it is filtered; all splits.'),
  longest: z
    .int()
    .min(1)
    .default(5000)
    .describe('Words of one side above which a line is no sentence but a mistake, as when line ends got lost.'),
  skipBad: z
    .boolean()
    .default(false)
    .describe('Leaves bad pairs out and counts them, instead of stopping at the first.'),
});
export type BitextOptions = z.output<typeof bitextSchema>;
