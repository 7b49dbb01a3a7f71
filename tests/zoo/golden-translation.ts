/** Translation models that transformers and PyTorch wrote, with what they computed (fixtures/goldens/translation/make.py). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { HostArray } from '@t2r/engine';
import type { TranslationConfig, Weights } from '@t2r/models';
import { importModel, type JsonObject, openTensors, readTensors, readWeights } from '@t2r/zoo';
import type { Sources } from '../models/translating.js';

const GOLDENS = new URL('../fixtures/goldens/translation/', import.meta.url);
/** Of all golden models: rows, tokens of a source, tokens of a target, and the target's vocabulary. */
export const [BATCH, LENGTH, TIME, VOCAB] = [2, 11, 6, 97];

export interface GoldenTranslation {
  theirs: JsonObject;
  path: string;
  config: TranslationConfig;
  weights: Weights;
  sources: Sources;
  ids: Int32Array;
  /** By time, [2 * vocab]. */
  logits: Float32Array[];
  /** [2, 16], of models of transformers. */
  greedy?: Int32Array;
}

export async function goldenTranslation(name: string): Promise<GoldenTranslation> {
  const at = (file: string) => fileURLToPath(new URL(`${name}/${file}`, GOLDENS));
  const theirs = JSON.parse(await readFile(at('config.json'), 'utf8')) as JsonObject;
  const path = at('model.safetensors');
  const reader = await openTensors(path);
  const { config, tensors } = await importModel(theirs, reader, 'encoder-decoder');
  const weights = await readWeights(tensors);
  await reader.close();
  const expected = (await readTensors(at('expected.safetensors'))).tensors;
  const data = <T extends HostArray>(key: string) => expected[key]!.data as T;
  const all = data<Float32Array>('logits');
  const logits = Array.from({ length: TIME }, (_, t) => {
    const parts = [0, 1].map((b) => all.subarray((b * TIME + t) * VOCAB, (b * TIME + t + 1) * VOCAB));
    return Float32Array.from([...parts[0]!, ...parts[1]!]);
  });
  const mask = Float32Array.from(data<Int32Array>('attention_mask'));
  const sources = { source: data<Int32Array>('input_ids'), mask, batch: BATCH, length: LENGTH };
  const ids = data<Int32Array>('decoder_input_ids');
  return {
    theirs,
    path,
    config,
    weights,
    sources,
    ids,
    logits,
    greedy: expected.greedy?.data as Int32Array | undefined,
  };
}
