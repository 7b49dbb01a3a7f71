/** Characters that cannot be printed (remove-non-printing-char.perl of https://github.com/moses-smt/mosesdecoder). */

/** A line with each control, format, unassigned or private character (Unicode's category C) replaced by a space. */
export function removeNonPrinting(line: string): string {
  return line.replace(/\p{C}/gu, ' ');
}
