/** `t2r inspect`: what a checkpoint is, from its headers alone, and what a conversion would add. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry, loadPlugins } from '@t2r/core';
import { type Inspection, inspectCheckpoint } from '@t2r/zoo';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import type { Terminal } from '../terminal.js';

export interface InspectCommandOptions {
  /** List the tensors. */
  tensors?: boolean;
  /** Default: as `inspectCheckpoint`. */
  features?: number;
  position: number;
  json?: boolean;
  /** Plugins besides those of the run that the checkpoint is named by. */
  plugin: string[];
}

/** Whether a path is a checkpoint by itself, and not the folder of a run or `<run folder>:<step>`. */
async function isCheckpointPath(where: string): Promise<boolean> {
  const found = await stat(where).catch(() => undefined);
  if (found === undefined) return !where.includes(':');
  if (found.isFile()) return true;
  return !(await stat(join(where, 'recipe.resolved.yaml')).catch(() => undefined));
}

/** Prints what is known of the checkpoint at `where`: any path of a file or folder, a run folder, or `<run folder>:<step>`. */
export async function inspectCommand(
  where: string,
  { features, position, plugin, json = false, tensors = false }: InspectCommandOptions,
  { out, colors }: Terminal,
): Promise<number> {
  const { folder, plugins } = (await isCheckpointPath(where))
    ? { folder: where, plugins: [] }
    : await findCheckpoint(where);
  // Of the built-in components only attention variants are needed, and the others take their time to import.
  const registry = createRegistry([attention, ...(await loadPlugins([...new Set([...plugins, ...plugin])], '.'))]);
  const inspection = await inspectCheckpoint(folder, { context: registry, features, position });
  if (json) {
    const { tensors: list, ...rest } = inspection;
    out(`${JSON.stringify({ ...rest, tensorCount: list.length, ...(tensors && { tensors: list }) }, null, 2)}\n`);
    return EXIT.ok;
  }
  const { formatBytes, formatTable } = await import('@t2r/report');
  const { architecture, reason } = inspection;
  out(`${colors.bold(inspection.path)}\n`);
  const what = architecture === undefined ? 'a checkpoint, but no model that is known' : WHAT[inspection.model!.use];
  out(`${what}${reason === undefined ? '' : `: ${reason}`}\n\n`);
  const facts = [...describeModel(inspection), ...describeFiles(inspection, formatBytes)];
  const columns = ['what', 'value'].map((title) => ({ title, align: 'left' as const }));
  out(`${formatTable({ columns, rows: facts }, { bold: colors.bold })}\n`);
  const conversion = describeConversion(inspection, formatBytes);
  if (conversion !== undefined) out(`\n${conversion}\n`);
  if (tensors) out(`\n${tensorTable(inspection, formatTable, colors.bold)}\n`);
  return EXIT.ok;
}

const WHAT = { 'decoder-lm': 'a language model', 'encoder-decoder': 'an encoder-decoder model for translation' };

type FormatBytes = (bytes: number) => string;

const count = (value: number) => value.toLocaleString('en');

type Model = NonNullable<Inspection['model']>;

/** Attention of all layers: `softmax`, or `9 t2r-mlp, 3 softmax`. */
function attentionOf(layers: Model['attention']): string {
  const counts = new Map<string, number>();
  for (const { use } of layers) counts.set(use, (counts.get(use) ?? 0) + 1);
  if (counts.size === 1) return layers[0]!.use;
  return [...counts].map(([use, times]) => `${times} ${use}`).join(', ');
}

/** Layers, width, heads and attention. */
function describeSize(model: Model): string[][] {
  if (model.use === 'encoder-decoder') {
    const { encoder, decoder, dim, attention, cross } = model;
    const stack = ({ layers, heads, ffn }: typeof encoder) =>
      `${layers} layers of width ${dim}, ${heads} heads, feed-forward ${ffn}`;
    return [
      ['encoder', stack(encoder)],
      ['decoder', stack(decoder)],
      ['self-attention', attentionOf(attention)],
      ['cross-attention', attentionOf(cross)],
    ];
  }
  const { layers, dim, heads, kvHeads, ffn, attention } = model;
  const grouped = kvHeads === undefined || kvHeads === heads ? '' : ` (${kvHeads} of keys and values)`;
  return [
    ['size', `${layers} layers of width ${dim}, ${heads} heads${grouped}, feed-forward ${ffn}`],
    ['attention', attentionOf(attention)],
  ];
}

function describeModel({
  architecture,
  model,
  parameters,
  origin,
  tokenizer = [],
  sourceTokenizer,
}: Inspection): string[][] {
  if (model === undefined) return [];
  const { vocab, positions, maxPositions } = model;
  const sources = model.use === 'encoder-decoder' ? model.sourceVocab : undefined;
  const names = (files: readonly string[]) => (files.length === 0 ? 'none' : files.map(baseName).join(', '));
  return [
    ['architecture', architecture!],
    ['parameters', count(parameters!)],
    ...describeSize(model),
    ['positions', `${positions}, ${count(maxPositions)}`],
    ['vocabulary', sources === undefined ? count(vocab) : `${count(vocab)}, of sources ${count(sources)}`],
    ['tokenizer', names(tokenizer)],
    ...(sourceTokenizer === undefined ? [] : [['of sources', names(sourceTokenizer)]]),
    ...(origin?.from === undefined ? [] : [['loaded from', origin.from]]),
    ...(origin?.licence === undefined ? [] : [['licence', origin.licence]]),
  ];
}

const baseName = (path: string) => path.split(/[\\/]/).at(-1)!;

function describeFiles({ format, files, tensors, dtypes, values }: Inspection, formatBytes: FormatBytes): string[][] {
  const types = Object.entries(dtypes).map(([dtype, times]) => `${times} ${dtype}`);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const names = files.length === 1 ? baseName(files[0]!.path) : `${files.length} files`;
  return [
    ['format', format],
    ['files', `${names}, ${formatBytes(bytes)}`],
    ['tensors', `${count(tensors.length)} (${types.join(', ')}), ${count(values)} floats`],
  ];
}

function describeConversion({ conversion }: Inspection, formatBytes: FormatBytes): string | undefined {
  if (conversion === undefined) return undefined;
  const { features, layers, cross, parameters, stateBytes, cacheBytes, position } = conversion;
  if (cross !== undefined)
    return (
      `T2R with ${features} features in self-attention of ${layers} layers and ${cross.features} in cross-attention of ${cross.layers}: ` +
      `${count(parameters)} parameters more, and ${formatBytes(stateBytes)} of state a sequence at any position and for any source; ` +
      `its cache has ${formatBytes(cacheBytes)} at position ${count(position)} for a source as long.`
    );
  return (
    `T2R with ${features} features in ${layers} layers: ${count(parameters)} parameters more, and ${formatBytes(stateBytes)} of state ` +
    `a sequence at any position; its cache has ${formatBytes(cacheBytes)} at position ${count(position)}.`
  );
}

function tensorTable(
  { tensors }: Inspection,
  formatTable: typeof import('@t2r/report').formatTable,
  bold: (text: string) => string,
): string {
  const columns = ['tensor', 'type', 'shape'].map((title) => ({ title, align: 'left' as const }));
  const rows = tensors.map(({ name, dtype, shape, tiedTo }) => [
    name,
    dtype,
    `[${shape.join(', ')}]${tiedTo === undefined ? '' : ` = ${tiedTo}`}`,
  ]);
  return formatTable({ columns, rows }, { bold });
}
