/** Order of strings by code points, as Python and C++ sort them; JavaScript's own order puts U+E000 behind U+10000. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Where the first difference is, surrogates stand for code points above all others.
    const isSurrogate = (code: number) => code >= 0xd800 && code <= 0xdfff;
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
