/** Trained SentencePiece models against what Python's sentencepiece learns from the same text. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModel } from '../model-file.js';
import { SentencePiece } from '../sentencepiece.js';
import type { TrainSentencePieceOptions } from './options.js';
import { trainSentencePiece, trainSentencePieceModel } from './train-sentencepiece.js';

interface Case {
  name: string;
  options: TrainSentencePieceOptions;
  /** Python's pieces by id. */
  pieces: string[];
  /** Tokens of the whole text with Python's model. */
  tokens: number;
}
const fixture: { text: string; cases: Case[] } = JSON.parse(
  readFileSync(new URL('../../../fixtures/sentencepiece/trained.json', import.meta.url), 'utf8'),
);
const { text, cases } = fixture;

describe.each(cases.map((each) => [each.name, each] as const))('%s', (_, { options, pieces, tokens }) => {
  it('has the pieces and the compression of Python', async () => {
    const tokenizer = await trainSentencePiece([text], options);
    const own = tokenizer.model.pieces.map((piece) => piece.text);
    const count = text.split('\n').reduce((sum, line) => sum + tokenizer.encode(line).length, 0);
    if (options.model === 'bpe') {
      expect(own).toEqual(pieces);
      expect(count).toBe(tokens);
    } else {
      // The candidates and the arithmetic differ a little, and rare pieces with them.
      const known = new Set(pieces);
      expect(own.filter((piece) => known.has(piece)).length).toBeGreaterThan(pieces.length * 0.9);
      expect(Math.abs(count / tokens - 1)).toBeLessThan(0.01);
    }
  });
});

describe('training', () => {
  const options: TrainSentencePieceOptions = { model: 'unigram', vocab: 150, normalization: 'identity' };

  it('gives the same bytes for the same text in one piece and streamed', async () => {
    const pieces = async function* () {
      for (let i = 0; i < text.length; i += 1000) yield text.slice(i, i + 1000);
    };
    const whole = await trainSentencePieceModel([text], options);
    expect(await trainSentencePieceModel([pieces()], options)).toEqual(whole);
    const drawn = { ...options, vocab: 100, sentences: 30, characterCoverage: 0.98 };
    const one = await trainSentencePieceModel([text], { ...drawn, seed: 1 });
    expect(await trainSentencePieceModel([pieces()], { ...drawn, seed: 1 })).toEqual(one);
    expect(await trainSentencePieceModel([text], { ...drawn, seed: 2 })).not.toEqual(one);
  });

  it('reports progress and stops when asked to', async () => {
    const stages = new Set<string>();
    await trainSentencePieceModel([text], { ...options, onProgress: (stage) => stages.add(stage) });
    expect([...stages]).toEqual(['lines', 'pieces']);
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(trainSentencePieceModel([text], { ...options, signal })).rejects.toThrow('stop');
  });

  it('keeps special pieces and symbols apart', async () => {
    const tokenizer = await SentencePiece.open(
      await trainSentencePieceModel([text], {
        ...options,
        vocab: 460,
        byteFallback: true,
        controlSymbols: ['<2de>'],
        userDefinedSymbols: ['<sep>', '[x]'],
        specialIds: { pad: 0, unk: 1, bos: 2, eos: 3 },
      }),
    );
    const types = tokenizer.model.pieces.slice(0, 8).map(({ text: piece, type }) => `${piece} ${type}`);
    expect(types).toEqual([
      '<pad> control',
      '<unk> unknown',
      '<s> control',
      '</s> control',
      '<2de> control',
      '<sep> user-defined',
      '[x] user-defined',
      '<0x00> byte',
    ]);
    expect(tokenizer.endOfText).toBe(3);
    const ids = [...tokenizer.encode('a<sep>b[x]猫')];
    expect(ids).toContain(5);
    expect(ids).toContain(6);
    expect(tokenizer.decode(ids)).toBe('a<sep>b[x]猫');
  });

  it('gives fewer pieces where the text has no more', async () => {
    const tokenizer = await trainSentencePiece(['aaa aab\n'], { ...options, vocab: 1000 });
    expect(tokenizer.vocabSize).toBeLessThan(20);
    expect(readModel(await trainSentencePieceModel(['aaa aab'], { ...options, vocab: 1000 })).trainer.vocabSize).toBe(
      tokenizer.vocabSize,
    );
  });

  it.each([
    [{ vocab: 10 }, /cannot hold 3 special pieces and \d+ characters/],
    [{ userDefinedSymbols: ['x', 'x'] }, /there twice/],
    [{ userDefinedSymbols: ['<unk>'] }, /symbol of its own/],
    [{ specialIds: { pad: 0 } }, /cannot both have the id 0/],
    [{ specialIds: { pad: 900 } }, /beyond the vocabulary/],
  ])('refuses %j', async (more, message) => {
    await expect(trainSentencePieceModel([text], { ...options, ...more })).rejects.toThrow(message);
  });

  it('needs text', async () => {
    await expect(trainSentencePieceModel(['\n\n  \n'], options)).rejects.toThrow(/no text/);
  });
});
