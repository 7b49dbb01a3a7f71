/** Reading a prompt into a state that is kept: the document is read once, and many texts go on from it. */
import { UserError } from '@t2r/core';
import type { TextGenerator } from '../generator.js';
import type { StateSnapshot } from './snapshot.js';

/**
 * The state after a prompt (after `from` and a prompt): all of its ids are in the state but the last one, which is pending, so
 * that a text can go on without another prompt. Throws UserError where there is no id at all.
 */
export async function readPrompt(
  generator: TextGenerator,
  promptIds: ArrayLike<number>,
  from?: StateSnapshot,
): Promise<StateSnapshot> {
  const ids = [...(from?.pending ?? []), ...Array.from(promptIds)];
  if (ids.length === 0)
    throw new UserError('there is nothing to read', { hint: 'Give a prompt of at least one token.' });
  if (from === undefined) generator.reset();
  else await generator.restore(from);
  if (ids.length > 1) await generator.prefill(ids.slice(0, -1));
  return { ...generator.save(), pending: ids.slice(-1) };
}
