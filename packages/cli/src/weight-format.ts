/** `--dtype`: how the weights of a model are stored while it decodes. */
import { UserError } from '@t2r/core';
import type { WeightFormat } from '@t2r/engine';

const WEIGHT_FORMATS: readonly WeightFormat[] = ['fp32', 'fp16', 'int8', 'int4'];

/** The format of that name. Throws UserError for an unknown one. */
export function weightFormat(name: string): WeightFormat {
  const known = WEIGHT_FORMATS.find((format) => format === name);
  if (known !== undefined) return known;
  throw new UserError(`--dtype ${name} is not known`, { hint: `Expected one of ${WEIGHT_FORMATS.join(', ')}.` });
}
