/**
 * Pre-tokenisation of GPT-2: text is split into words before BPE merges inside them. The pattern is that of Radford et
 * al.'s released code. Its `\s` is Unicode's White_Space, as in Rust and Python; JavaScript's own `\s` would take U+FEFF
 * for a space and U+0085 for none.
 */

const WORD =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const SPACE = /\p{White_Space}/u;

/** Longest stretch matched at once, so that the array of words stays small. */
const STRETCH = 1 << 16;

const isSpace = (code: number) => code === 0x20 || code === 0x0a || SPACE.test(String.fromCharCode(code));

/**
 * The last position, at most `end`, where white space follows something else; 0 where there is none. Cutting a text
 * there is safe: every pre-token ends before white space that follows something else, and the pattern never looks back.
 */
export function lastWordStart(text: string, end = text.length): number {
  for (let i = Math.min(end, text.length - 1); i > 0; i--) {
    if (isSpace(text.charCodeAt(i)) && !isSpace(text.charCodeAt(i - 1))) return i;
  }
  return 0;
}

/** Calls `visit` with each pre-token of `text`, in order; joined, they are the text. */
export function forEachWord(text: string, visit: (word: string) => void): void {
  let start = 0;
  while (text.length - start > STRETCH) {
    let stretch = STRETCH;
    let cut = lastWordStart(text.slice(start, start + stretch + 1));
    // A word longer than the stretch: look further until one ends.
    while (cut === 0 && start + stretch < text.length) {
      stretch *= 2;
      cut = lastWordStart(text.slice(start, start + stretch + 1));
    }
    if (cut === 0) break;
    for (const word of text.slice(start, start + cut).match(WORD)!) visit(word);
    start += cut;
  }
  for (const word of text.slice(start).match(WORD) ?? []) visit(word);
}
