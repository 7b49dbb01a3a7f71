/** Models that transformers wrote, with what it computed (fixtures/goldens/models/make.py). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HostArray } from '@t2r/engine';
import type { LmConfig, Weights } from '@t2r/models';
import { importModel, type JsonObject, openTensors, readTensors, readWeights } from '@t2r/zoo';

const FOLDER = new URL('../fixtures/goldens/models/', import.meta.url);

export const BATCH = 2;

export interface GoldenModel {
  /** Their config.json. */
  theirs: JsonObject;
  /** Path of their weights. */
  path: string;
  config: LmConfig;
  weights: Weights;
  /** [2, time] */
  ids: Int32Array;
  /** Logits of all positions by time, [2 * vocab] each. */
  logits: Float32Array[];
  /** Greedy continuation, [2, time + 12]: padded with 0 after the end, 2. */
  greedy: Int32Array;
}

export async function goldenModel(name: string): Promise<GoldenModel> {
  const at = (file: string) => fileURLToPath(new URL(`${name}/${file}`, FOLDER));
  const theirs = JSON.parse(await readFile(at('config.json'), 'utf8')) as JsonObject;
  const path = at('model.safetensors');
  const reader = await openTensors(path);
  const { config, tensors } = await importModel(theirs, reader);
  const weights = await readWeights(tensors);
  await reader.close();
  const expected = (await readTensors(at('expected.safetensors'))).tensors;
  const separate = await readTensors(at('greedy.safetensors')).catch(() => undefined);
  const data = <T extends HostArray>(tensor: { data: HostArray } | undefined) => tensor!.data as T;
  const ids = data<Int32Array>(expected.input_ids);
  return {
    theirs,
    path,
    config,
    weights,
    ids,
    logits: byTime(data(expected.logits), ids.length / BATCH, config.vocab),
    greedy: data((separate?.tensors ?? expected).greedy),
  };
}

/** [2, time, vocab] -> time times [2 * vocab]. */
function byTime(logits: Float32Array, time: number, vocab: number): Float32Array[] {
  return Array.from({ length: time }, (_, t) => {
    const row = new Float32Array(BATCH * vocab);
    for (let b = 0; b < BATCH; b++) {
      const from = (b * time + t) * vocab;
      row.set(logits.subarray(from, from + vocab), b * vocab);
    }
    return row;
  });
}
