/** Runs `zoo/load`. Tensors go from the model's files to the checkpoint one by one: memory holds the largest of them, not all. */
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { StepContext, StepResult } from '@t2r/core';
import { buildModel, parameterCount } from '@t2r/models';
import { keepTokenizer } from '@t2r/tokenizers';
import type { TensorReader } from '../architectures/types.js';
import { SOURCE, saveCheckpoint } from '../checkpoint.js';
import type { LazyTensor } from '../formats/safetensors-write.js';
import { formatHubAddress, isHubAddress, parseHubAddress } from '../hub/address.js';
import { fetchModel } from '../hub/fetch-model.js';
import { hubSettings } from '../hub/settings.js';
import { openModel } from '../open-model.js';
import type { CheckpointOrigin } from '../types.js';
import { checkVocabulary, type Hashes, hashOf, type LoadOptions } from './load-step.js';
import { fetchFiles, SOURCE_FOLDER } from './named-files.js';

/** Where the model lies, fetched where it has to be, and what its origin is called. */
async function locate(options: LoadOptions, context: StepContext): Promise<{ path: string; name: string }> {
  const { from } = options;
  if (from === undefined) {
    const path = await fetchFiles(options, context);
    return { path, name: dirname(Object.keys(options.files!)[0]!) };
  }
  const { events, signal } = context;
  if (!isHubAddress(from)) return { path: from, name: basename(from) };
  const address = parseHubAddress(from);
  const { folder, commit } = await fetchModel(address, hubSettings(), {
    signal,
    onFile: (file) => events.info(`downloading ${file}`),
    onProgress: (done, total) => events.progress(done, { total, unit: 'bytes' }),
  });
  return { path: folder, name: formatHubAddress({ ...address, revision: commit }) };
}

/** Tensors that are read when they are written. */
function lazily(reader: TensorReader, { events, signal }: StepContext): Record<string, LazyTensor> {
  const total = reader.entries.size;
  let done = 0;
  const lazy = [...reader.entries].map(([name, { shape }]): [string, LazyTensor] => [
    name,
    {
      shape,
      async read() {
        signal.throwIfAborted();
        events.progress(done++, { total, unit: 'tensors' });
        const { data } = await reader.read(name);
        return data instanceof Float32Array ? data : Float32Array.from(data);
      },
    },
  ]);
  return Object.fromEntries(lazy);
}

/** Reads the model and writes the checkpoint. */
export async function runLoad(options: LoadOptions, context: StepContext, hashes: Hashes): Promise<StepResult> {
  const { tokenizer: given, sourceTokenizer: givenSource } = options;
  const { path, name } = await locate(options, context);
  const opened = await openModel(path, context);
  const { config, architecture, tensors, found } = opened;
  try {
    const tokenizerFrom = given === undefined ? opened.tokenizer[0] : context.input(given).folder;
    const kept = tokenizerFrom === undefined ? undefined : await keepTokenizer(tokenizerFrom, context.folder);
    if (kept !== undefined) checkVocabulary(kept.tokenizer.vocabSize, config, `the tokenizer ${tokenizerFrom}`);
    // A tokenizer that is named stands for both, unless the sources' is named too.
    const beside = given === undefined ? opened.sourceTokenizer[0] : undefined;
    const sourceFrom = givenSource === undefined ? beside : context.input(givenSource).folder;
    const source = sourceFrom === undefined ? undefined : await keepTokenizer(sourceFrom, context.folder, SOURCE);
    if (source !== undefined)
      checkVocabulary(source.tokenizer.vocabSize, config, `the tokenizer ${sourceFrom}`, 'sourceTokenizer');
    const sha256: Record<string, string> = {};
    for (const file of found.source.files) sha256[basename(file)] = await hashOf(file, hashes);
    // A checkpoint of this project tells where it began; others begin here.
    const origin: CheckpointOrigin = found.own ? opened.origin : { ...opened.origin, from: name, sha256 };
    // What the model says of its own tokenizer holds for no other.
    if (given !== undefined || givenSource !== undefined) delete origin.tokenizerConfig;
    await saveCheckpoint(context.folder, {
      config: {
        format: 't2r-checkpoint',
        version: 1,
        model: config,
        provenance: { step: 'zoo/load', from: name, sha256 },
        ...(Object.keys(origin).length > 0 && { origin }),
      },
      weights: lazily(tensors, context),
      tokenizerPath: kept?.path,
      sourceTokenizerPath: source?.path,
    });
    // What was downloaded has served.
    await rm(join(context.folder, SOURCE_FOLDER), { recursive: true, force: true });
    if (kept === undefined) context.events.warn('the model comes without a tokenizer; `tokenizer:` can name one');
    const parameters = parameterCount(buildModel(config, context));
    context.events.info(`${architecture}: ${tensors.entries.size} tensors, ${parameters} parameters`);
    return {
      metrics: { parameters },
      data: {
        model: config,
        architecture,
        from: name,
        sha256,
        ...(kept && { vocab: kept.tokenizer.vocabSize, algorithm: kept.tokenizer.algorithm }),
        ...(source && { sourceVocab: source.tokenizer.vocabSize }),
      },
    };
  } finally {
    await opened.close();
  }
}
