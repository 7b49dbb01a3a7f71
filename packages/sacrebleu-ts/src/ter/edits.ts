/**
 * Number of edits of TER: insertions, deletions and substitutions of words, and shifts of blocks of them (Snover et al.,
 * _A Study of Translation Edit Rate with Targeted Human Annotation_, 2006). Shifts are searched for greedily with the
 * heuristics of Tercom as the original has them, since another search would give other numbers.
 */
import { alignmentOf } from './alignment.js';
import { beamOf } from './beam.js';
import { type EditContext, EditTable } from './edit-table.js';
import { type Shift, ShiftedDistances, shiftWords } from './shifted.js';

const MAX_SHIFT_LENGTH = 10;
const MAX_SHIFT_DISTANCE = 50;
/** After so many tried shifts a segment is left as it is. */
const MAX_CANDIDATES = 1000;

interface BestShift {
  /** Edits it saves; shifts that save none are not looked for. */
  gain: number;
  shift?: Shift;
}

/** Whether a shift that saves as much comes before another: the longer, then from further left, then to further left. */
function isPreferred(a: Shift, b: Shift): boolean {
  if (a.length !== b.length) return a.length > b.length;
  if (a.start !== b.start) return a.start < b.start;
  return a.target < b.target;
}

/** Blocks that hypothesis and reference have in common: [start in one, start in the other, length]. */
function* commonBlocks(hypothesis: Int32Array, reference: Int32Array): Generator<[number, number, number]> {
  for (let start = 0; start < hypothesis.length; start++) {
    const first = Math.max(0, start - MAX_SHIFT_DISTANCE);
    const last = Math.min(reference.length - 1, start + MAX_SHIFT_DISTANCE);
    for (let other = first; other <= last; other++) {
      const longest = Math.min(MAX_SHIFT_LENGTH, hypothesis.length - start, reference.length - other);
      for (let length = 1; length <= longest; length++) {
        if (hypothesis[start + length - 1] !== reference[other + length - 1]) break;
        yield [start, other, length];
      }
    }
  }
}

/**
 * The shift that saves most edits, if any saves some.
 *
 * @param tried shifts tried before on this segment
 */
function findShift(table: EditTable, tried: number): BestShift & { tried: number } {
  const { distance, words } = table;
  const { reference } = table.context;
  let count = tried;
  let best: BestShift = { gain: 0 };
  if (distance === 0) return { ...best, tried };
  const { position, hypothesisErrors, referenceErrors } = alignmentOf(table);
  const shifted = new ShiftedDistances(table);
  const seen = new Set<number>();
  for (const [start, other, length] of commonBlocks(words, reference)) {
    // Only words that are wrong, to a place where words are wrong, that is not within themselves.
    if (hypothesisErrors[start + length] === hypothesisErrors[start]) continue;
    if (referenceErrors[other + length] === referenceErrors[other]) continue;
    if (start <= position[other]! && position[other]! < start + length) continue;
    let previous = -1;
    for (let offset = -1; offset < length; offset++) {
      const at = other + offset;
      const target = at === -1 ? 0 : position[at]! + 1;
      if (target === previous) continue;
      previous = target;
      count++;
      const key = (start * (MAX_SHIFT_LENGTH + 1) + length) * (words.length + 1) + target;
      if (seen.has(key)) continue; // reached from another place of the reference; the same shift
      seen.add(key);
      const shift = { start, length, target };
      const gain = distance - shifted.distance(shift, distance - Math.max(1, best.gain));
      if (gain > best.gain || (gain > 0 && gain === best.gain && isPreferred(shift, best.shift!)))
        best = { gain, shift };
    }
    if (count >= MAX_CANDIDATES) break;
  }
  return { ...best, tried: count };
}

/** Fewest edits found that turn the words of a hypothesis into those of a reference; equal words have equal numbers. */
export function countEdits(hypothesis: Int32Array, reference: Int32Array): number {
  if (reference.length === 0) return hypothesis.length;
  const context: EditContext = { reference, beam: beamOf(hypothesis.length, reference.length) };
  let table = new EditTable(context, hypothesis);
  let shifts = 0;
  let tried = 0;
  while (true) {
    const found = findShift(table, tried);
    tried = found.tried;
    if (tried >= MAX_CANDIDATES || found.shift === undefined) return shifts + table.distance;
    shifts++;
    table = new EditTable(context, shiftWords(table.words, found.shift));
  }
}
