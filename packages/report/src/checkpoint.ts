/** What the report says about a checkpoint beside its metrics. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const configSchema = z.object({ model: z.object({ attention: z.array(z.object({ use: z.string() })) }) });

/** The attention of each layer; empty where config.json is missing or damaged, which is for those to say who need it. */
async function readAttention(folder: string): Promise<{ use: string }[]> {
  try {
    return configSchema.parse(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).model.attention;
  } catch {
    return [];
  }
}

/** Attention per layer in few words, from config.json: `softmax`, `t2r-mlp ×3, softmax`; undefined where it cannot be read. */
export async function describeAttention(folder: string): Promise<string | undefined> {
  const runs: { use: string; count: number }[] = [];
  for (const { use } of await readAttention(folder)) {
    const last = runs.at(-1);
    if (last?.use === use) last.count++;
    else runs.push({ use, count: 1 });
  }
  if (runs.length <= 1) return runs[0]?.use;
  return runs.map(({ use, count }) => (count === 1 ? use : `${use} ×${count}`)).join(', ');
}
