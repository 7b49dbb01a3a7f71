import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatDelta, formatDuration, formatNumber, formatScaled } from './format.js';

describe('figures', () => {
  it.each([
    [84.314, '84.31'],
    [1.2345, '1.234'],
    [1204.6, '1205'],
    [2_500_000, '2.50e+6'],
    [0.00001, '1.00e-5'],
    [0, '0'],
    [Number.POSITIVE_INFINITY, '∞'],
    [undefined, '–'],
  ])('formatNumber(%s) is %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [135_168, '132 KiB'],
    [5 * 2 ** 30, '5 GiB'],
  ])('formatBytes(%s) is %s', (value, text) => expect(formatBytes(value)).toBe(text));

  it.each([
    [0.42, '0.4 s'],
    [9.97, '10 s'],
    [59.7, '1 min 00 s'],
    [185, '3 min 05 s'],
    [7199.9, '2 h 00 min'],
  ])('formatDuration(%s) is %s', (value, text) => expect(formatDuration(value)).toBe(text));

  it('counts, scales and compares', () => {
    expect(formatCount(16_000)).toBe('16,000');
    expect(formatScaled(4_340_000)).toBe('4.3 M');
    expect(formatScaled(512)).toBe('512');
    expect(formatDelta(0.0406)).toBe('+4.1 %');
    expect(formatDelta(-0.5)).toBe('-50.0 %');
    expect(formatDelta(-0.0001)).toBe('0.0 %');
    expect(formatDelta(12.345)).toBe('+1,235 %');
  });
});
