/** From which length on one model is ahead of another. */

/** Tokens a second at a length. */
export interface SpeedAt {
  length: number;
  tokensPerSecond: number;
}

export interface BreakEven {
  /** From this length on the first model is ahead. */
  length: number;
  /** False where it is ahead at the shortest length measured already, so that the true one may be less. */
  exact: boolean;
}

/**
 * The length at which the speed of `model` crosses that of `other` for the last time, upwards: between two measured lengths
 * both are taken as straight lines in a plot with logarithmic axes. Undefined where `other` is ahead at the longest length
 * that both were measured at.
 */
export function speedBreakEven(model: readonly SpeedAt[], other: readonly SpeedAt[]): BreakEven | undefined {
  const lead = model.flatMap(({ length, tokensPerSecond }) => {
    const against = other.find((point) => point.length === length);
    return against === undefined ? [] : [{ length, ratio: Math.log(tokensPerSecond / against.tokensPerSecond) }];
  });
  lead.sort((a, b) => a.length - b.length);
  const last = lead.at(-1);
  if (last === undefined || last.ratio < 0) return undefined;
  const behind = lead.findLastIndex(({ ratio }) => ratio < 0);
  if (behind < 0) return { length: lead[0]!.length, exact: false };
  const [a, b] = [lead[behind]!, lead[behind + 1]!];
  const share = -a.ratio / (b.ratio - a.ratio);
  return { length: Math.round(a.length * (b.length / a.length) ** share), exact: true };
}

/** No cache is longer. */
const LONGEST = 2 ** 40;

/**
 * The first length at which a state that grows takes more bytes than one of `bytes`; undefined where it never does.
 *
 * @param bytesAt bytes of the growing state at a length
 */
export function stateBreakEven(bytes: number, bytesAt: (length: number) => number): number | undefined {
  if (bytesAt(LONGEST) <= bytes) return undefined;
  let [low, high] = [0, LONGEST];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (bytesAt(middle) > bytes) high = middle;
    else low = middle;
  }
  return high;
}
