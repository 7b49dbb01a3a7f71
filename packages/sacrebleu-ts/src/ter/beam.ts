/**
 * Which cells of the edit distance table are computed. As in the original, only those near the line from one corner to
 * the other, which can make the distance larger than it is, so that the same cells must be left out.
 */

const BEAM_WIDTH = 25;

/** Columns [first, last) of every row; row 0 is whole. */
export interface Beam {
  first: Int32Array;
  last: Int32Array;
}

/** Beam of a table with a row per word of the hypothesis and a column per word of the reference, and one of each before. */
export function beamOf(hypothesisLength: number, referenceLength: number): Beam {
  const rows = hypothesisLength;
  const columns = referenceLength + 1;
  const ratio = rows > 0 ? referenceLength / rows : 1;
  const width = BEAM_WIDTH < ratio / 2 ? Math.ceil(ratio / 2 + BEAM_WIDTH) : BEAM_WIDTH;
  const first = new Int32Array(rows + 1);
  const last = new Int32Array(rows + 1).fill(columns);
  for (let i = 1; i <= rows; i++) {
    const diagonal = Math.floor(i * ratio);
    first[i] = Math.max(0, diagonal - width);
    if (i < rows) last[i] = Math.min(columns, diagonal + width);
  }
  return { first, last };
}
