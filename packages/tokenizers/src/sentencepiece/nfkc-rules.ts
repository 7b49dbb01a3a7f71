/**
 * SentencePiece's normalisation rules `nfkc` and `nmt_nfkc`, made from Unicode's own normalisation. As rules that look at the
 * longest sequence and never back, they hold every sequence of characters that composes to something, written in every way
 * that is equivalent under NFKD. The result is the same set of rules as the one that SentencePiece 0.2.2 carries, as far as
 * Node's tables reach: those before Unicode 17 lack some hundred rare characters.
 */

/** Characters that `nmt_nfkc` takes for a space, besides those that NFKC makes one. */
const SPACES = [0x9, 0xa, 0xc, 0xd, 0x1680, 0x200b, 0x200c, 0x200e, 0x200f, 0x2028, 0x2029, 0x2581, 0xfeff, 0xfffd];

/** Control characters that `nmt_nfkc` drops. */
const DROPPED = [
  ...Array.from({ length: 8 }, (_, i) => 1 + i),
  0xb,
  ...Array.from({ length: 18 }, (_, i) => 0xe + i),
  0x7f,
  0x8f,
  0x9f,
];

export type NormalizationName = 'nmt_nfkc' | 'nfkc' | 'identity';

/** Rules from sequences of characters to what they become. */
export type Rules = Map<string, string>;

/** The rules of a normalisation by name; `identity` has none. */
export function normalizationRules(name: NormalizationName): Rules {
  if (name === 'identity') return new Map();
  const rules = nfkcRules();
  if (name === 'nfkc') return rules;
  for (const code of SPACES) rules.set(String.fromCodePoint(code), ' ');
  for (const code of DROPPED) rules.set(String.fromCodePoint(code), '');
  // Japanese uses the full-width tilde beside the ordinary one, with another meaning.
  rules.delete('\uff5e');
  return withoutRedundant(rules);
}

function nfkcRules(): Rules {
  const rules: Rules = new Map();
  /** Characters by the one character they decompose to, itself included. */
  const equivalents = new Map<string, string[]>();
  const decompositions = new Set<string>();
  for (let code = 1; code <= 0x10ffff; code++) {
    if (isNoCharacter(code)) continue;
    const char = String.fromCodePoint(code);
    const composed = char.normalize('NFKC');
    if (composed !== char) rules.set(char, composed);
    const decomposed = char.normalize('NFKD');
    if (decomposed === char) continue;
    if (decomposed.length > String.fromCodePoint(decomposed.codePointAt(0)!).length) decompositions.add(decomposed);
    else {
      const known = equivalents.get(decomposed);
      if (known === undefined) equivalents.set(decomposed, [decomposed, char]);
      else known.push(char);
    }
  }
  for (const decomposed of decompositions) {
    const composed = decomposed.normalize('NFC');
    if (composed === decomposed) continue;
    let ways = [''];
    for (const char of decomposed) {
      const choices = equivalents.get(char) ?? [char];
      ways = ways.flatMap((way) => choices.map((choice) => way + choice));
    }
    for (const way of ways) if (way !== composed) rules.set(way, composed);
  }
  return withoutRedundant(rules);
}

/** Surrogates and the code points that Unicode will never assign. */
const isNoCharacter = (code: number) =>
  (code >= 0xd800 && code <= 0xdfff) || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;

/** Leaves out the rules whose result the rules of shorter sequences give as well. */
function withoutRedundant(rules: Rules): Rules {
  const byLength: [string[], string][][] = [];
  for (const [source, target] of rules) {
    const chars = [...source];
    byLength[chars.length] ??= [];
    byLength[chars.length]!.push([chars, target]);
  }
  const kept: Rules = new Map();
  for (const [length, group] of byLength.entries()) {
    const needed = (group ?? []).filter(([chars, target]) => replaceAll(kept, chars, length - 1) !== target);
    for (const [chars, target] of needed) kept.set(chars.join(''), target);
  }
  return kept;
}

/** Applies rules for sequences of at most `longest` characters, the longest first. */
function replaceAll(rules: Rules, chars: readonly string[], longest: number): string | undefined {
  if (longest === 0) return undefined;
  let out = '';
  for (let at = 0; at < chars.length; ) {
    let count = Math.min(longest, chars.length - at);
    let target: string | undefined;
    for (; count > 0; count--) {
      target = rules.get(chars.slice(at, at + count).join(''));
      if (target !== undefined) break;
    }
    out += target ?? chars[at];
    at += Math.max(1, count);
  }
  return out;
}
