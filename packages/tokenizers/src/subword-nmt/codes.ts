/**
 * The file of BPE codes that subword-nmt writes (https://github.com/rsennrich/subword-nmt): `#version: 0.2`, then one merge
 * a line, the most frequent first. Version 0.1 has no first line and keeps the end of a word as a symbol of its own.
 */

/** Marks the last symbol of a word. */
export const END_OF_WORD = '</w>';

export type CodesVersion = '0.1' | '0.2';
export type Merge = readonly [left: string, right: string];

export interface Codes {
  version: CodesVersion;
  merges: Merge[];
}

/** Whether a file begins as a file of codes does. */
export const looksLikeCodes = (text: string) => text.startsWith('#version:');

/**
 * Reads a file of codes.
 * @throws RangeError with the number of the line that is not two symbols.
 */
export function parseCodes(text: string): Codes {
  const lines = text.replace(/\n+$/, '').split('\n');
  let version: CodesVersion = '0.1';
  let first = 0;
  if (looksLikeCodes(text)) {
    const words = lines[0]!.trim().split(/\s+/);
    if (words.includes('byte')) throw new RangeError('codes for bytes are not supported; learn them without --byte');
    if (words.at(-1) !== '0.1' && words.at(-1) !== '0.2') throw new RangeError(`unknown version "${words.at(-1)}"`);
    version = words.at(-1) as CodesVersion;
    first = 1;
  }
  const merges = lines.slice(first).map((line, i): Merge => {
    const symbols = line.replace(/^[\r ]+|[\r ]+$/g, '').split(' ');
    if (symbols.length !== 2 || symbols.includes('')) {
      throw new RangeError(`line ${first + i + 1} is not two symbols with a space between them`);
    }
    return [symbols[0]!, symbols[1]!];
  });
  return { version, merges };
}

/** Text of a file of codes. */
export function formatCodes({ version, merges }: Codes): string {
  const head = version === '0.2' ? '#version: 0.2\n' : '';
  return `${head}${merges.map((pair) => `${pair.join(' ')}\n`).join('')}`;
}
