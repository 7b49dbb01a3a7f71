/** What the report says about a checkpoint beside its metrics. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Attention per layer in few words, from config.json: `softmax`, `t2r-mlp ×3, softmax`; undefined where it cannot be read. */
export async function describeAttention(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const config = JSON.parse(text) as { model?: { attention?: { use: string }[] } };
  const runs: { use: string; count: number }[] = [];
  for (const { use } of config.model?.attention ?? []) {
    const last = runs.at(-1);
    if (last?.use === use) last.count++;
    else runs.push({ use, count: 1 });
  }
  if (runs.length <= 1) return runs[0]?.use;
  return runs.map(({ use, count }) => (count === 1 ? use : `${use} ×${count}`)).join(', ');
}
