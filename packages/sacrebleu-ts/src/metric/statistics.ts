/** Sufficient statistics: a few numbers per segment whose sums a corpus score follows from. */

/** Statistics of many segments, a row each, in one growing array. */
export class SegmentStatistics {
  #rows = new Float64Array(0);
  #length = 0;

  /** @param width numbers per segment */
  constructor(readonly width: number) {}

  /** Number of segments. */
  get length(): number {
    return this.#length;
  }

  push(row: ArrayLike<number>): void {
    const start = this.#length * this.width;
    if (start + this.width > this.#rows.length) {
      const larger = new Float64Array(Math.max(256 * this.width, this.#rows.length * 2));
      larger.set(this.#rows);
      this.#rows = larger;
    }
    this.#rows.set(row, start);
    this.#length++;
  }

  /** All rows, one after the other: [length * width]. */
  get values(): Float64Array {
    return this.#rows.subarray(0, this.#length * this.width);
  }

  /** Column sums in the order of the segments: [width]. */
  sums(): Float64Array {
    const sums = new Float64Array(this.width);
    const { values, width } = this;
    for (let i = 0; i < values.length; i += width) {
      for (let column = 0; column < width; column++) sums[column] = sums[column]! + values[i + column]!;
    }
    return sums;
  }
}
