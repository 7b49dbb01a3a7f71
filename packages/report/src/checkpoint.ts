/** What the report says about a checkpoint, read from its folder and from the options of the step that made it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@t2r/core';
import type { RecipeStep } from './types.js';

/** Attention per layer in few words: `softmax`, `t2r-mlp ×3, softmax`; undefined where config.json cannot be read. */
export async function describeAttention({ folder }: Artifact): Promise<string | undefined> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const config = JSON.parse(text) as { model?: { attention?: { use: string }[] } };
  const layers = config.model?.attention?.map(({ use }) => use) ?? [];
  const runs: { use: string; count: number }[] = [];
  for (const use of layers) {
    const last = runs.at(-1);
    if (last?.use === use) last.count++;
    else runs.push({ use, count: 1 });
  }
  if (runs.length === 0) return undefined;
  if (runs.length === 1) return runs[0]!.use;
  return runs.map(({ use, count }) => (count === 1 ? use : `${use} ×${count}`)).join(', ');
}

/** Optimizer steps the step took: its `steps` option when it trains, 0 otherwise. */
export function trainedSteps({ use }: Artifact, options: RecipeStep | undefined): number | undefined {
  if (!use.startsWith('train/')) return 0;
  return typeof options?.steps === 'number' ? options.steps : undefined;
}
