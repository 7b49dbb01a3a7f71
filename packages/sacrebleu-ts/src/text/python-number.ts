/** Numbers written as Python writes them. */

/**
 * `f"{value:.{digits}f}"`: correctly rounded, ties to even. `toFixed` is exact too but takes the larger of two equally
 * near values, so that 6.25 would become 6.3 where Python has 6.2.
 *
 * @param digits after the point, 0 to 100
 */
export function formatFixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  // A double lies halfway between two decimals of d digits exactly when it is an odd multiple of 2^-(d+1).
  const halves = Math.abs(value) * 2 ** (digits + 1);
  const last = text.charCodeAt(text.length - 1) - 48;
  const tie = Number.isInteger(halves) && halves % 2 === 1;
  return tie && last % 2 === 1 ? text.slice(0, -1) + String(last - 1) : text;
}

/** `repr(float)`: the shortest digits that give the value back, always with a point or an exponent. */
export function floatRepr(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-4 && size < 1e16)) {
    const text = String(value);
    return text.includes('.') ? text : `${text}.0`;
  }
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}
