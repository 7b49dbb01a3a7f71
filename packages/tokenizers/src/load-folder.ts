/** Finds the files of a tokenizer in a folder, and the second file of a pair. */
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '@t2r/core';
import { GPT2_PAIRS } from './gpt2-files.js';
import { kindOf } from './kinds.js';

/** Names that SentencePiece models have in published checkpoints. */
const MODELS = ['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model', 'sentencepiece.model', 'source.spm'];
/** Names of files of BPE codes. */
const CODES = ['bpe.codes', 'bpecodes', 'codes', 'code', 'bpe.code'];

/**
 * The files of the tokenizer in a folder: one, or two that belong together, the first of which says what they are. Empty
 * where there is none.
 * @throws UserError when there are several dictionaries and nothing tells which one is meant.
 */
export async function filesOfFolder(folder: string): Promise<string[]> {
  const names = new Set(await readdir(folder));
  const at = (name: string) => join(folder, name);
  const first = (known: readonly string[]) => known.find((name) => names.has(name));
  if (names.has('tokenizer.json')) return [at('tokenizer.json')];
  if (isMarian(names)) return marianFiles(at(MARIAN.target), names);
  const sorted = [...names].sort();
  const model = first(MODELS) ?? only(sorted.filter((name) => /\.(model|spm)$/.test(name)));
  if (model !== undefined) return [at(model)];
  for (const { vocab, merges } of GPT2_PAIRS) if (names.has(vocab) && names.has(merges)) return [at(vocab), at(merges)];
  const dicts = sorted.filter((name) => /^dict(\.[\w-]+)?\.txt$/.test(name));
  const codes = first(CODES) ?? only(sorted.filter((name) => /\.codes?$/.test(name)));
  if (dicts.length > 1) {
    throw new UserError(`${folder} has several dictionaries: ${dicts.join(', ')}`, {
      hint: 'name the one that is meant: the tokenizer of one language has one',
    });
  }
  const dict = dicts.map(at);
  if (codes !== undefined) return [at(codes), ...dict];
  return dict.length === 0 && names.has('vocabulary.json') ? [at('vocabulary.json')] : dict;
}

/** Names of the second tokenizer of a checkpoint: that of a translation model's sources. */
const SOURCE_FILES = ['source-tokenizer.json', 'source-tokenizer.model'];

/** The files of the tokenizer that a translation model's folder has for its sources alone; empty where there is none. */
export async function sourceTokenizerFiles(folder: string): Promise<string[]> {
  const names = new Set(await readdir(folder));
  const own = SOURCE_FILES.find((name) => names.has(name));
  if (own !== undefined) return [join(folder, own)];
  return isMarian(names) && !names.has('tokenizer.json') ? marianFiles(join(folder, MARIAN.source), names) : [];
}

/** Files of Marian's models in transformers: a SentencePiece model for each side, and ids by piece. */
const MARIAN = { source: 'source.spm', target: 'target.spm', vocab: 'vocab.json', targetVocab: 'target_vocab.json' };

const isMarian = (names: ReadonlySet<string>) =>
  [MARIAN.source, MARIAN.target, MARIAN.vocab].every((name) => names.has(name));

/** The model of a side and the vocabulary that belongs to it: the target may have one of its own. */
function marianFiles(path: string, names: ReadonlySet<string>): string[] {
  const own = basename(path) === MARIAN.target && names.has(MARIAN.targetVocab);
  return [path, join(dirname(path), own ? MARIAN.targetVocab : MARIAN.vocab)];
}

/** The vocabulary beside a SentencePiece model of Marian's; undefined where the model stands for itself. */
export async function marianVocabulary(path: string): Promise<string | undefined> {
  const names = new Set(await readdir(dirname(path)));
  const isSide = basename(path) === MARIAN.source || basename(path) === MARIAN.target;
  return isSide && isMarian(names) ? marianFiles(path, names)[1] : undefined;
}

const only = (names: readonly string[]) => (names.length === 1 ? names[0] : undefined);

/** The file that belongs to half a tokenizer: beside it, by its usual name, or the only one of its kind. */
export async function fileBeside(path: string, kind: 'vocab' | 'merges' | 'codes'): Promise<string | undefined> {
  const folder = dirname(path);
  const name = basename(path);
  if (kind !== 'codes') {
    const [own, other] = kind === 'vocab' ? (['vocab', 'merges'] as const) : (['merges', 'vocab'] as const);
    const pairs = [...GPT2_PAIRS].sort((a, b) => Number(b[own] === name) - Number(a[own] === name));
    for (const pair of pairs) {
      const candidate = join(folder, pair[other]);
      if (await isKind(candidate, other)) return candidate;
    }
    return undefined;
  }
  const dicts = (await readdir(folder)).filter((each) => /^dict(\.[\w-]+)?\.txt$/.test(each));
  return dicts.length === 1 ? join(folder, dicts[0]!) : undefined;
}

async function isKind(path: string, kind: 'vocab' | 'merges'): Promise<boolean> {
  try {
    await access(path);
    return kindOf(await readFile(path)) === kind;
  } catch {
    return false;
  }
}
