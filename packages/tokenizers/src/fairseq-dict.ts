/**
 * fairseq's dict.txt (https://github.com/facebookresearch/fairseq, fairseq/data/dictionary.py): one entry and its count a
 * line, in the order of the ids. Four special symbols, which are not in the file, have the first ids.
 */

/** Symbols before the first line: beginning of a sentence, padding, end of a sentence, unknown word. */
export const FAIRSEQ_SPECIAL = ['<s>', '<pad>', '</s>', '<unk>'] as const;

/** Entry that means the end of a sentence, and the one for what has no entry. */
export const FAIRSEQ_END = '</s>';
export const FAIRSEQ_UNKNOWN = '<unk>';

const LINE = /^(\S+) (\d+)( #fairseq:overwrite)?$/u;

/** Whether the first lines look like those of a dict.txt. */
export function looksLikeDict(text: string): boolean {
  const lines = text.slice(0, 4096).split('\n').slice(0, -1);
  return lines.length > 0 && lines.every((line) => LINE.test(line.replace(/\r$/, '')));
}

/**
 * Entries by id, the special symbols first.
 * @throws RangeError with the number of a line that is no entry or repeats one.
 */
export function parseDict(text: string): string[] {
  const tokens: string[] = [...FAIRSEQ_SPECIAL];
  const seen = new Map(tokens.map((token, id) => [token, id]));
  for (const [i, line] of text.replace(/\n+$/, '').split('\n').entries()) {
    const match = LINE.exec(line.replace(/\r$/, ''));
    if (match === null) throw new RangeError(`line ${i + 1} is not an entry and its count`);
    const token = match[1]!;
    // An entry may say that it stands in for a special symbol or an earlier line.
    if (seen.has(token) && match[3] === undefined) throw new RangeError(`line ${i + 1} repeats the entry ${token}`);
    seen.set(token, tokens.length);
    tokens.push(token);
  }
  return tokens;
}

/** Text of a dict.txt; `count` gives the count of an entry, 0 where it is not known. */
export function formatDict(tokens: readonly string[], count: (token: string) => number = () => 0): string {
  const special = new Set<string>(FAIRSEQ_SPECIAL);
  return tokens.map((token) => (special.has(token) ? '' : `${token} ${count(token)}\n`)).join('');
}
