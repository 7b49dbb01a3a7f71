/** What the report says about a checkpoint beside its metrics. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const layersSchema = z.array(z.object({ use: z.string() }));
const configSchema = z.object({ model: z.object({ attention: layersSchema, cross: layersSchema.optional() }) });

/** Self-attention of a model's layers, and a decoder's attention to the source. */
type Place = 'attention' | 'cross';

/** The attention of each layer; empty where config.json is missing or damaged, which is for those to say who need it. */
async function readAttention(folder: string, place: Place): Promise<{ use: string }[]> {
  try {
    return configSchema.parse(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).model[place] ?? [];
  } catch {
    return [];
  }
}

/** Attention per layer in few words, from config.json: `softmax`, `t2r-mlp ×3, softmax`; undefined where it cannot be read. */
export async function describeAttention(folder: string, place: Place = 'attention'): Promise<string | undefined> {
  const runs: { use: string; count: number }[] = [];
  for (const { use } of await readAttention(folder, place)) {
    const last = runs.at(-1);
    if (last?.use === use) last.count++;
    else runs.push({ use, count: 1 });
  }
  if (runs.length <= 1) return runs[0]?.use;
  return runs.map(({ use, count }) => (count === 1 ? use : `${use} ×${count}`)).join(', ');
}
