/** Which stretches of characters may become pieces. */
import { SPACE } from '../normalizer.js';
import type { ResolvedOptions } from './options.js';

/** Every script that Unicode gives letters of, by its short name. */
const SCRIPTS = (
  'Latn Cyrl Grek Hani Hira Kana Hang Arab Hebr Thai Deva Beng Taml Telu Gujr Guru Knda Mlym Sinh Orya Geor Armn Ethi Khmr ' +
  'Laoo Mymr Tibt Mong Bopo Cher Cans Syrc Thaa Adlm Aghb Ahom Armi Avst Bali Bamu Bass Batk Bhks Brah Brai Bugi Buhd ' +
  'Cakm Cari Cham Chrs Copt Cpmn Cprt Diak Dogr Dsrt Dupl Egyp Elba Elym Glag Gong Gonm Goth Gran Hano Hatr Hluw Hmng Hmnp ' +
  'Hung Ital Java Kali Kawi Khar Khoj Kits Kthi Lana Lepc Limb Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc Medf Mend ' +
  'Merc Mero Modi Mroo Mtei Mult Nagm Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Orkh Osge Osma Ougr Palm Pauc Perm Phag Phli ' +
  'Phlp Phnx Plrd Prti Rjng Rohg Runr Samr Sarb Saur Sgnw Shaw Shrd Sidd Sind Sogd Sogo Sora Soyo Sund Sylo Tagb Takr Tale ' +
  'Talu Tang Tavt Tfng Tglg Tirh Tnsa Toto Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii Zanb'
).split(' ');

/** Characters that belong to no script of their own. */
const COMMON = -1;
/** Numbers that go with every script, and whatever follows with them. */
const ANY = -2;
/** Marks that belong to the script of the letter before. */
const INHERITED = -3;

let patterns: RegExp[] | undefined;

/** Number of a character's script. Hiragana and Katakana count as Han: Japanese words mix them. */
function scriptOf(char: string): number {
  if (/^[a-z]$/i.test(char)) return 0;
  if (char === '\u30fc' || /^[\p{Script=Hira}\p{Script=Kana}]$/u.test(char)) return SCRIPTS.indexOf('Hani');
  if (/^\p{Script=Inherited}$/u.test(char)) return INHERITED;
  patterns ??= SCRIPTS.map((script) => new RegExp(`^\\p{Script=${script}}$`, 'u'));
  return patterns.findIndex((pattern) => pattern.test(char));
}

const isDigit = (char: string) => /^[0-9\uff10-\uff19]$/.test(char);

/** What validity asks of one character. */
interface CharTraits {
  script: number;
  isDigit: boolean;
  isSpace: boolean;
}

/** Whether a stretch of characters, given by their numbers in an alphabet, may be a piece (`IsValidSentencePiece`). */
export type ValidPiece = (chars: Int32Array, from: number, to: number) => boolean;

/** The rule for an alphabet: the character of each number. */
export function validPieceRule(
  alphabet: readonly string[],
  options: Pick<
    ResolvedOptions,
    'maxPieceLength' | 'splitByWhitespace' | 'splitByUnicodeScript' | 'splitByNumber' | 'splitDigits'
  >,
): ValidPiece {
  const { maxPieceLength, splitByWhitespace, splitByUnicodeScript, splitByNumber, splitDigits } = options;
  const traits = alphabet.map((char): CharTraits => {
    const digit = isDigit(char);
    return {
      script: digit && !splitByNumber ? ANY : digit ? COMMON : scriptOf(char),
      isDigit: digit,
      isSpace: char === SPACE,
    };
  });
  return (chars, from, to) => {
    const length = to - from;
    if (length === 0 || length > maxPieceLength) return false;
    let script = ANY;
    for (let i = from; i < to; i++) {
      const char = traits[chars[i]!]!;
      if (char.isSpace) {
        // A space begins a piece; within one it may stand only where pieces may cross spaces, and never at the end.
        if (i > from && (splitByWhitespace || i + 1 === to)) return false;
        continue;
      }
      if (splitDigits && char.isDigit && length > 1) return false;
      if (char.script === INHERITED) continue;
      const mixes = char.script !== ANY && script !== ANY && script !== char.script;
      if (splitByUnicodeScript && mixes) return false;
      script = char.script;
    }
    return true;
  };
}
