/** Which words of a hypothesis and a reference stand for each other, and which are wrong. */
import { type EditTable, OPERATION } from './edit-table.js';

export interface Alignment {
  /** For every word of the reference the position in the hypothesis, -1 before its beginning. */
  position: Int32Array;
  /** Number of wrong words among the first i: of the hypothesis [length + 1], of the reference. */
  hypothesisErrors: Int32Array;
  referenceErrors: Int32Array;
}

export function alignmentOf(table: EditTable): Alignment {
  const hypothesisLength = table.words.length;
  const referenceLength = table.context.reference.length;
  const position = new Int32Array(referenceLength);
  const hypothesisErrors = new Int32Array(hypothesisLength + 1);
  const referenceErrors = new Int32Array(referenceLength + 1);
  let i = hypothesisLength;
  let j = referenceLength;
  for (const operation of table.operations()) {
    const wrong = operation === OPERATION.none ? 0 : 1;
    if (operation !== OPERATION.delete) position[--j] = i - 1;
    // Written one place to the right, to become sums below.
    if (operation !== OPERATION.delete) referenceErrors[j + 1] = wrong;
    if (operation !== OPERATION.insert) hypothesisErrors[i--] = wrong;
  }
  for (let k = 1; k <= hypothesisLength; k++) hypothesisErrors[k] = hypothesisErrors[k]! + hypothesisErrors[k - 1]!;
  for (let k = 1; k <= referenceLength; k++) referenceErrors[k] = referenceErrors[k]! + referenceErrors[k - 1]!;
  return { position, hypothesisErrors, referenceErrors };
}
