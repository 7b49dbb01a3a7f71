/** A checkpoint as an exported folder: graphs, tokenizer, card, and how it was held against the form it was trained in. */
import { copyFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type CreateContext, hashFile, writeFileAtomic, writeFileAtomicWith, writeJsonAtomic } from '@t2r/core';
import { type Engine, sizeOf } from '@t2r/engine';
import { isTranslation } from '@t2r/models';
import { modelHash } from '@t2r/zoo';
import { type ExportSettings, type ExportSizes, exportSizes } from './export-options.js';
import { openExported } from './folder/exported-session.js';
import { prepareFolder } from './folder/target-folder.js';
import { generationConfig } from './generation-config.js';
import { type LoadedModel, loadModel } from './loaded-model.js';
import { type ExportManifest, MANIFEST_FILE, MANIFEST_FORMAT, MANIFEST_VERSION } from './manifest.js';
import { exportCard, type ModelHistory } from './model-card.js';
import { compareExported } from './parity/compare.js';
import { compileParallelForm } from './parity/parallel-form.js';
import { drawnText, type TextLimits } from './parity/text.js';
import type { ParityReport, ParityText } from './parity/types.js';
import { GRAPH_FILES, WEIGHTS_FILE, type WrittenGraphs, writeGraphs } from './write-graphs.js';

export interface ExportOptions extends ExportSettings {
  /** Folder to write into. */
  to: string;
  /** The engine `onnx`. */
  engine: Engine;
  /** Builds the attention variants that the checkpoint names: a registry, or a step's context. */
  context: CreateContext;
  /** Name of the model. Default: that of the checkpoint's folder. */
  name?: string;
  /** Replace an export that is there. Default false. */
  force?: boolean;
  /** Finds a text to compare on; where it gives none, the model writes one. */
  text?: (loaded: LoadedModel, limits: TextLimits) => Promise<ParityText | undefined>;
  /** Tokens of text to compare on, about. Default 1024. */
  compared?: number;
  /** For the card. */
  history?: ModelHistory;
  /** Told of what is done next. */
  onProgress?: (what: string) => void;
  signal?: AbortSignal;
}

export interface ExportResult {
  folder: string;
  manifest: ExportManifest;
  parity: ParityReport;
  /** Bytes of all files. */
  bytes: number;
}

/** Tokens of a compared sequence at most, of the prompt of a generation, and generated. */
const SEQUENCE = 256;
const GREEDY = 200;
const PROMPT = 32;

/**
 * Exports the checkpoint in `from`. config.json is written last, so that a folder with one is whole.
 *
 * @returns what was written and how it compares; `parity.passed` is false where a float32 export is not equal
 * @throws UserError where the checkpoint is damaged, an option makes no sense or the target folder has files
 */
export async function exportCheckpoint(from: string, options: ExportOptions): Promise<ExportResult> {
  const { to: folder, engine, context, onProgress, signal } = options;
  const loaded = await loadModel(from, context);
  const { dtype, batch, chunk, capacity, source } = options;
  const sizes = exportSizes(loaded.model, { dtype, batch, chunk, capacity, source });
  await prepareFolder(folder, options);
  const graphs = await writeGraphs({ engine, folder, loaded, sizes, onProgress, signal });
  const files = [...graphs.files, ...(await copyTokenizers(folder, loaded))];
  await writeJsonAtomic(join(folder, 'generation_config.json'), generationConfig(loaded));
  const manifest = manifestOf(options.name ?? basename(from), loaded, sizes, graphs);
  onProgress?.('comparison with the training graph');
  const parity = await compare(options, loaded, sizes, manifest);
  await writeJsonAtomic(join(folder, 'parity.json'), parity);
  const sized = {
    ...manifest,
    files: await describeFiles(folder, [...files, 'generation_config.json', 'parity.json']),
  };
  await writeFileAtomic(join(folder, 'README.md'), exportCard(sized, loaded, parity, options.history));
  const whole = { ...sized, files: { ...sized.files, ...(await describeFiles(folder, ['README.md'])) } };
  await writeJsonAtomic(join(folder, MANIFEST_FILE), whole);
  const bytes = Object.values(whole.files).reduce((sum, file) => sum + file.bytes, 0);
  return { folder, manifest: whole, parity, bytes };
}

/** Copies the tokenizers' files under their names. */
async function copyTokenizers(folder: string, { tokenizerFile, sourceTokenizerFile }: LoadedModel): Promise<string[]> {
  const paths = [tokenizerFile, sourceTokenizerFile].filter((path) => path !== undefined);
  for (const path of paths)
    await writeFileAtomicWith(join(folder, basename(path)), (temporary) => copyFile(path, temporary));
  return paths.map((path) => basename(path));
}

async function describeFiles(folder: string, names: readonly string[]): Promise<ExportManifest['files']> {
  const entries = names.map(async (name) => {
    const path = join(folder, name);
    return [name, { bytes: (await stat(path)).size, sha256: await hashFile(path) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** config.json without its files. */
function manifestOf(name: string, loaded: LoadedModel, sizes: ExportSizes, graphs: WrittenGraphs): ExportManifest {
  const { model, weights, tokenizer, tokenizerFile, sourceTokenizerFile, tokens } = loaded;
  const { config } = model;
  const { batch, dtype, chunk, source, capacity } = sizes;
  const { state, context } = graphs;
  const bytes = [...state, ...context].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0) / batch;
  const fileName = (path?: string) => (path === undefined ? null : basename(path));
  const common = {
    format: MANIFEST_FORMAT,
    format_version: MANIFEST_VERSION,
    name,
    model_hash: modelHash(config, weights),
    recurrent: model.recurrent,
    vocab: config.vocab,
    max_positions: config.positions === 'learned' ? config.maxPositions : null,
    dtype,
    batch,
    capacity: model.recurrent ? null : capacity,
    step: { file: GRAPH_FILES.step },
    weights: WEIGHTS_FILE,
    state,
    state_bytes: bytes,
    tokenizer: fileName(tokenizerFile),
    files: {},
    model: { ...config },
  } as const;
  if (!isTranslation(model))
    return {
      ...common,
      kind: 'decoder-lm',
      prefill: { file: GRAPH_FILES.prefill, chunk },
      end_of_text: tokenizer?.endOfText ?? null,
    };
  const { start, end, padding } = tokens!;
  return {
    ...common,
    kind: 'encoder-decoder',
    source_vocab: model.config.sourceVocab ?? config.vocab,
    encode: { file: GRAPH_FILES.encode, source },
    context,
    source_tokenizer: fileName(sourceTokenizerFile),
    tokens: { start, end, padding },
  };
}

/** Opens the files again, in plain ONNX Runtime, and compares. */
async function compare(
  { engine, text: findText, to, compared = 1024, signal }: ExportOptions,
  loaded: LoadedModel,
  { room, source }: ExportSizes,
  manifest: ExportManifest,
): Promise<ParityReport> {
  const { model, weights } = loaded;
  const limits = { length: Math.min(room, SEQUENCE), source, tokens: compared };
  const text = (await findText?.(loaded, limits)) ?? (await drawnText(engine, loaded, limits));
  const [first] = text.sequences;
  // A translation begins with its start token alone.
  const given = isTranslation(model) ? 1 : Math.max(1, Math.min(PROMPT, room - GREEDY, first!.inputs.length));
  const prompt = first!.inputs.slice(0, given);
  const greedy = { prompt, source: first!.source, tokens: Math.max(1, Math.min(GREEDY, room - given)) };
  const length = Math.max(given + greedy.tokens - 1, ...text.sequences.map(({ inputs }) => inputs.length));
  const parallel = await compileParallelForm({ engine, model, weights, length, source });
  try {
    const session = await openExported(manifest, (file) => join(to, file));
    try {
      return await compareExported({ session, parallel, text, greedy, signal });
    } finally {
      await session.release();
    }
  } finally {
    await parallel.dispose();
  }
}
