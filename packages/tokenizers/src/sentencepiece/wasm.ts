/**
 * SentencePiece's own code, compiled to WebAssembly by the package sentencepiece-js, behind a wrapper that closes its holes.
 * As it comes, the package loads models by path only, takes damaged ones without a word, adds handlers to `process` that
 * rethrow what is unhandled, and may end the process. It is therefore given a `process` and an `fs` of its own, which is the
 * same as what Node gives to every CommonJS module except for these two names.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

/** The parts of sentencepiece-js that are used. */
interface Library {
  SentencePieceProcessor: new () => {
    load(path: string): Promise<void>;
    encodeIds(text: string): number[];
    encodePieces(text: string): string[];
    decodeIds(ids: number[]): string;
  };
}

/** A loaded model. */
export interface SentencePieceRuntime {
  /** Ids of a well-formed text. */
  encode(text: string): number[];
  /** The pieces themselves; where there is none, the text that was found instead. */
  pieces(text: string): string[];
  /** Text of ids, which must be in the vocabulary. */
  decode(ids: number[]): string;
}

const require = createRequire(import.meta.url);
let source: { code: string; path: string } | undefined;

/**
 * Loads a model. Its bytes must have passed `checkModel`.
 * @throws Error when SentencePiece does not take it all the same.
 */
export async function startSentencePiece(model: Uint8Array): Promise<SentencePieceRuntime> {
  const { SentencePieceProcessor } = loadLibrary(model);
  const processor = new SentencePieceProcessor();
  await processor.load('');
  return {
    encode: (text) => processor.encodeIds(text),
    pieces: (text) => processor.encodePieces(text),
    decode: (ids) => processor.decodeIds(ids),
  };
}

/** An instance of the package that reads `model` whatever path it is asked for. */
function loadLibrary(model: Uint8Array): Library {
  source ??= readSource();
  const ownFs = { readFileSync: () => model };
  const ownProcess = {
    versions: process.versions,
    argv: [process.execPath],
    platform: process.platform,
    on: () => undefined,
    exit: (code: number) => {
      throw new Error(`SentencePiece gave up (code ${code})`);
    },
  };
  const exports = {};
  const module = { exports };
  const run = compileFunction(source.code, ['exports', 'require', 'module', '__filename', '__dirname', 'process'], {
    filename: source.path,
  }) as (...args: unknown[]) => void;
  run(exports, (name: string) => (name === 'fs' ? ownFs : require(name)), module, source.path, '', ownProcess);
  return module.exports as Library;
}

function readSource(): { code: string; path: string } {
  const path = require.resolve('sentencepiece-js');
  return { code: readFileSync(path, 'utf8'), path };
}
