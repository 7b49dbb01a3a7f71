/** Seeded damage to the values inside a SentencePiece model; the file stays well-formed. */
import type { Random } from '@t2r/core';
import { readModel, type SentencePieceModel, writeModel } from '@t2r/tokenizers';

export function mutateModel(bytes: Uint8Array, random: Random): Uint8Array {
  const model = readModel(bytes);
  const rounds = 1 + random.integer(3);
  for (let round = 0; round < rounds; round++) CHANGES[random.integer(CHANGES.length)]!(model, random);
  return writeModel(model);
}

const pick = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)]!;

const SCORES = [0, -0, 1e38, -1e38, 3.4e38, 1e-45, -1e-45, Number.NaN, Number.POSITIVE_INFINITY, -1000, 1000];
const TEXTS = [
  '▁',
  '▁▁',
  ' ',
  'a',
  '',
  '\n',
  '\0',
  'a\0b',
  '<0x00>',
  '<s>',
  '\ufffd',
  '\u2585',
  '😀',
  'x'.repeat(5000),
  '▁a▁b▁',
];
const TYPES = ['normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'] as const;
const MODELS = ['unigram', 'bpe', 'word', 'char'] as const;

const CHANGES: readonly ((model: SentencePieceModel, random: Random) => void)[] = [
  ({ pieces }, random) => {
    for (let i = 0; i < 20; i++) pick(pieces, random).score = pick(SCORES, random);
  },
  ({ pieces }, random) => {
    for (const piece of pieces) if (random.integer(3) === 0) piece.score = random.normal() * 1e6;
  },
  ({ pieces }, random) => {
    pick(pieces, random).text = pick(TEXTS, random);
  },
  ({ pieces }, random) => {
    const piece = pick(pieces, random);
    piece.text += pick(pieces, random).text + pick(TEXTS, random);
  },
  ({ pieces }, random) => {
    for (let i = 0; i < 5; i++) pick(pieces, random).type = pick(TYPES, random);
  },
  ({ pieces }, random) => {
    pieces.splice(random.integer(pieces.length), 1 + random.integer(20));
  },
  ({ pieces }, random) => {
    for (let i = 0; i < 3000; i++) pieces.push({ text: `extra${i}${pick(TEXTS, random)}`, score: -i, type: 'normal' });
  },
  ({ normalizer }, random) => {
    normalizer.addDummyPrefix = random.integer(2) === 0;
    normalizer.removeExtraWhitespaces = random.integer(2) === 0;
    normalizer.escapeWhitespaces = random.integer(2) === 0;
  },
  ({ normalizer }, random) => {
    const charsmap = Uint8Array.from(normalizer.charsmap);
    const bits = 1 + random.integer(8);
    for (let i = 0; i < bits && charsmap.length > 0; i++) {
      charsmap[random.integer(charsmap.length)]! ^= 1 << random.integer(8);
    }
    normalizer.charsmap = charsmap;
  },
  ({ normalizer }, random) => {
    normalizer.charsmap = normalizer.charsmap.slice(0, random.integer(normalizer.charsmap.length + 1));
  },
  ({ trainer }, random) => {
    trainer.modelType = pick(MODELS, random);
  },
  ({ trainer }, random) => {
    trainer.byteFallback = random.integer(2) === 0;
    trainer.treatWhitespaceAsSuffix = random.integer(2) === 0;
  },
  ({ trainer }, random) => {
    trainer.unkId = random.integer(5) - 1;
    trainer.eosId = random.integer(3000) - 1;
    trainer.unkSurface = pick(TEXTS, random);
  },
];
