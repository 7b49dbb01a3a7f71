/** A step's result on disk. `result.json` is written last and in one piece: where it stands and fits, the step is done. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonAtomic } from '../files.js';
import type { Artifact } from '../step.js';

const schema = z.object({
  format: z.literal('t2r-result'),
  version: z.literal(1),
  id: z.string(),
  use: z.string(),
  kind: z.string(),
  key: z.string(),
  metrics: z.record(z.string(), z.number().nullable()),
  data: z.unknown(),
  seconds: z.number(),
  finished: z.string(),
});

/** Folder name of a step's result: its id with only harmless characters, and the beginning of its key. */
export function resultFolderName(id: string, key: string): string {
  return `${id.replace(/[^A-Za-z0-9_=.-]+/g, '_').slice(0, 100)}-${key.slice(0, 12)}`;
}

/** Writes `result.json`, which makes the step done. */
export async function writeResult(artifact: Artifact): Promise<void> {
  const { folder, data, ...rest } = artifact;
  await writeJsonAtomic(join(folder, 'result.json'), {
    format: 't2r-result',
    version: 1,
    ...rest,
    data: data ?? null,
    finished: new Date().toISOString(),
  });
}

export type StoredResult =
  | { state: 'done'; artifact: Artifact }
  | { state: 'absent' }
  | { state: 'corrupt'; why: string };

/** Reads the result in a step's folder; one that is damaged or belongs to another key counts as not done. */
export async function readResult(folder: string, key: string): Promise<StoredResult> {
  let text: string;
  try {
    text = await readFile(join(folder, 'result.json'), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { state: 'absent' };
    return { state: 'corrupt', why: (error as Error).message };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { state: 'corrupt', why: 'it is not valid JSON' };
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return { state: 'corrupt', why: 'it is not a step result' };
  if (parsed.data.key !== key) return { state: 'corrupt', why: 'it belongs to another key' };
  const { format: _format, version: _version, finished: _finished, metrics, ...rest } = parsed.data;
  // JSON has no NaN: a metric that was not a number comes back as one.
  const numbers = Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
  return { state: 'done', artifact: { ...rest, metrics: numbers, folder } };
}
