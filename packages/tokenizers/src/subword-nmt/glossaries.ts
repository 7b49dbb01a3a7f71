/** Words that BPE must leave alone, also where they stand within longer words. */

export interface Part {
  text: string;
  isGlossary: boolean;
}

/** Parts of a word: what matches a glossary entry (a regular expression) whole, and the stretches between. */
export function isolateGlossaries(word: string, glossaries: readonly string[]): Part[] {
  let parts: string[] = [word];
  for (const glossary of glossaries) parts = parts.flatMap((part) => isolate(part, glossary));
  const whole = new RegExp(`^(?:${glossaries.join('|')})$`, 'u');
  return parts.map((text) => ({ text, isGlossary: whole.test(text) }));
}

function isolate(word: string, glossary: string): string[] {
  const parts: string[] = [];
  let done = 0;
  for (const match of word.matchAll(new RegExp(glossary, 'gu'))) {
    if (match[0] === '') continue;
    parts.push(word.slice(done, match.index), match[0]);
    done = match.index + match[0].length;
  }
  parts.push(word.slice(done));
  return parts.filter((part) => part !== '');
}
