/** Options of the beam search that steps translate with. */
import { z } from 'zod';

const count = z.int().positive();

export const searchOptions = {
  beam: count.default(5).describe('Hypotheses that are followed.'),
  lengthPenalty: z.number().default(1).describe('Exponent of the length that scores are divided by.'),
  maxTokens: count.default(200).describe('Tokens of a translation at most, besides `maxTokensPerSource`.'),
  maxTokensPerSource: z.number().min(0).default(0).describe('Tokens more for each token of the source.'),
  tokens: count.default(4096).describe('Tokens of the sources that are translated together, padding included.'),
  sentences: count.default(32).describe('Sentences that are translated together at most.'),
};

export type SearchOptions = z.output<z.ZodObject<typeof searchOptions>>;

/** e.g. `beam:5|lenpen:1|max:200+0*source` */
export const formatSearch = ({ beam, lengthPenalty, maxTokens, maxTokensPerSource }: SearchOptions): string =>
  `beam:${beam}|lenpen:${lengthPenalty}|max:${maxTokens}+${maxTokensPerSource}*source`;
