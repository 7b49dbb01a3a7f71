/** `t2r export`: a checkpoint as a folder of ONNX files, and how it compares with the training graph. */
import { UserError } from '@t2r/core';
import type { ExportDtype } from '@t2r/export';
import { formatBytes } from '@t2r/report';
import { EXIT } from '../failure.js';
import { findCheckpoint } from '../find-checkpoint.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';
import { withEngine } from '../with-engine.js';

export interface ExportCommandOptions {
  to: string;
  dtype: string;
  batch?: number;
  chunk?: number;
  capacity?: number;
  source?: number;
  /** File of text to compare on. */
  text?: string;
  name?: string;
  force?: boolean;
  plugin: string[];
  json?: boolean;
}

/** Exports the checkpoint at `where`: a checkpoint folder, a run folder (its last checkpoint), or `<run folder>:<step>`. */
export async function exportCommand(
  where: string,
  { to, dtype, text: file, name, force, plugin, json = false, ...sizes }: ExportCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, err, colors } = terminal;
  const { describeParity, EXPORT_DTYPES, exportCheckpoint, fileText, findSourceRun } = await import('@t2r/export');
  if (!(EXPORT_DTYPES as readonly string[]).includes(dtype))
    throw new UserError(`--dtype ${dtype} is not known`, { hint: `Expected one of ${EXPORT_DTYPES.join(', ')}.` });
  const { folder, plugins } = await findCheckpoint(where);
  const run = await findSourceRun(folder);
  const registry = await commandRegistry([...new Set([...plugins, ...plugin])]);
  return withEngine({ registry, engine: 'onnx', terminal }, async (engine, signal) => {
    const started = performance.now();
    const { manifest, parity, bytes } = await exportCheckpoint(folder, {
      ...sizes,
      to,
      dtype: dtype as ExportDtype,
      force,
      name: name ?? (run && `${run.history.run} ${run.history.step.id}`),
      engine,
      context: registry,
      history: run?.history,
      text: file === undefined ? run?.text : (loaded, limits) => fileText(file, loaded, limits),
      onProgress: (what) => err(`${what}\n`),
      signal,
    });
    const seconds = (performance.now() - started) / 1000;
    const { passed } = parity;
    if (json) out(`${JSON.stringify({ folder: to, seconds, bytes, manifest, parity }, null, 2)}\n`);
    else {
      out(`${colors.bold(to)}\n`);
      for (const [each, { bytes: size }] of Object.entries(manifest.files)) out(`  ${each}: ${formatBytes(size)}\n`);
      out(`  state of a sequence: ${formatBytes(manifest.state_bytes)}\n\n`);
      for (const line of describeParity(parity)) out(`${line}\n`);
      err(`${formatBytes(bytes)} in ${seconds.toFixed(1)} s\n`);
    }
    if (passed === false) err(`${colors.red('error:')} the exported files are not equal to the training graph\n`);
    return passed === false ? EXIT.failed : EXIT.ok;
  });
}
