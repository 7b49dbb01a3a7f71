/** The tokenizer of a saved model: the checkpoint's files, or for a model of Marian those that transformers reads. */
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic, writeFileAtomicWith, writeJsonAtomic } from '@t2r/core';
import { loadTokenizer, MarianTokenizer, sourceTokenizerFiles, type Tokenizer, tokenizerFiles } from '@t2r/tokenizers';
import type { JsonObject } from '../architectures/types.js';
import type { CardData } from './model-card.js';

/** The tokenizers of a checkpoint folder, with their files. */
export interface StoredTokenizers {
  tokenizer: Tokenizer;
  path: string;
  /** Of sources that have their own. */
  source?: { tokenizer: Tokenizer; path: string };
}

/** Undefined where the checkpoint has no tokenizer. */
export async function storedTokenizers(folder: string): Promise<StoredTokenizers | undefined> {
  const [path] = await tokenizerFiles(folder).catch(() => []);
  if (path === undefined) return undefined;
  const tokenizer = await loadTokenizer(path);
  const [sourcePath] = await sourceTokenizerFiles(folder);
  if (sourcePath === undefined) return { tokenizer, path };
  return { tokenizer, path, source: { tokenizer: await loadTokenizer(sourcePath), path: sourcePath } };
}

export interface SaveTokenizerOptions {
  /** What the model came with: its tokenizer_config.json. */
  described?: JsonObject;
  /** Whether the model is written for transformers. */
  transformers: boolean;
  maxPositions: number;
}

/**
 * Writes the files of the tokenizers.
 * @returns what of Python loads them with the same ids
 */
export async function saveTokenizers(
  folder: string,
  stored: StoredTokenizers,
  { described, transformers, maxPositions }: SaveTokenizerOptions,
): Promise<CardData['tokenizer']> {
  const { tokenizer, path, source } = stored;
  const ofSources = source?.tokenizer ?? tokenizer;
  const write = (json: JsonObject) => writeJsonAtomic(join(folder, 'tokenizer_config.json'), json);
  if (transformers && tokenizer instanceof MarianTokenizer && ofSources instanceof MarianTokenizer) {
    const separate = await saveMarian(folder, ofSources, tokenizer);
    await write({
      tokenizer_class: 'MarianTokenizer',
      model_max_length: maxPositions,
      ...described,
      ...(separate && { separate_vocabs: true }),
    });
    return 'AutoTokenizer';
  }
  const python = pythonTokenizer(tokenizer, described !== undefined);
  await copyInto(folder, path);
  if (source !== undefined) await copyInto(folder, source.path);
  const config = described ?? (python === 'AutoTokenizer' ? tokenizerConfig(tokenizer, maxPositions) : undefined);
  if (config !== undefined) await write(config);
  return python;
}

/** The files of MarianTokenizer. @returns whether the sides have a vocabulary each */
async function saveMarian(folder: string, source: MarianTokenizer, target: MarianTokenizer): Promise<boolean> {
  const [vocab, targetVocab] = [source, target].map((side) => `${JSON.stringify(side.vocab, null, 2)}\n`);
  const separate = vocab !== targetVocab;
  await writeFileAtomic(join(folder, 'source.spm'), source.sentencePiece.modelBytes);
  await writeFileAtomic(join(folder, 'target.spm'), target.sentencePiece.modelBytes);
  await writeFileAtomic(join(folder, 'vocab.json'), vocab!);
  if (separate) await writeFileAtomic(join(folder, 'target_vocab.json'), targetVocab!);
  return separate;
}

/**
 * What of Python loads a tokenizer with the same ids. transformers has no class that normalises and splits as every SentencePiece
 * model says, unless the model came with the name of one; subword-nmt's and Marian's single files are this project's own.
 */
function pythonTokenizer(tokenizer: Tokenizer, described: boolean): CardData['tokenizer'] {
  if (described) return 'AutoTokenizer';
  if (tokenizer.algorithm.startsWith('sentencepiece')) return 'sentencepiece';
  return tokenizer.algorithm === 'subword-nmt' || tokenizer.algorithm === 'marian' ? undefined : 'AutoTokenizer';
}

/** tokenizer_config.json, where the model did not bring one along. */
function tokenizerConfig(tokenizer: Tokenizer, maxPositions: number): JsonObject {
  const end = tokenizer.endOfText === undefined ? undefined : tokenizer.idToToken(tokenizer.endOfText);
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: maxPositions,
    clean_up_tokenization_spaces: false,
    ...(end !== undefined && { bos_token: end, eos_token: end }),
  };
}

/** Copies a file under its name. */
async function copyInto(folder: string, file: string): Promise<void> {
  await writeFileAtomicWith(join(folder, basename(file)), (temporary) => copyFile(file, temporary));
}
