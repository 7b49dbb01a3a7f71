/** Weights must be exactly those a model asks for: a missing or misnamed tensor would silently stay at its initial value. */
import type { ParameterSpec } from '@t2r/attention';
import { UserError } from '@t2r/core';
import type { TensorSource } from './tensor-source.js';

/** At most this many names are listed in one message. */
const SHOWN = 8;

const list = (names: string[]) =>
  names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '');

/**
 * Compares tensors with what a model's `parameters()` asks for: names, shapes and float elements. Reads none of them.
 *
 * @throws UserError listing what is missing, what is unexpected and what has another shape, by name
 */
export function verifyWeights(
  { path, entries }: Pick<TensorSource, 'path' | 'entries'>,
  parameters: readonly ParameterSpec[],
): void {
  const expected = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const missing = parameters.filter(({ name }) => !entries.has(name)).map(({ name }) => name);
  const unexpected = [...entries.keys()].filter((name) => !expected.has(name));
  const unlike = [...entries.values()].flatMap(({ name, shape, reads }) => {
    const wanted = expected.get(name)?.shape;
    if (wanted === undefined || (wanted.join() === shape.join() && reads === 'float32')) return [];
    return [`${name} is ${reads} [${shape.join(', ')}], expected float32 [${wanted.join(', ')}]`];
  });
  const problems = [
    missing.length > 0 ? `missing: ${list(missing)}` : '',
    unexpected.length > 0 ? `unexpected: ${list(unexpected)}` : '',
    unlike.length > 0 ? `of another shape or type: ${list(unlike)}` : '',
  ].filter((problem) => problem !== '');
  if (problems.length > 0)
    throw new UserError(`${path}: the tensors do not fit the model; ${problems.join('; ')}`, {
      location: { file: path },
      hint: 'The weights and config.json must come from the same model.',
    });
}
