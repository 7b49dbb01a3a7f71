/** What a page of someone else does with the runtime. */
import { tokenizerFromContents } from '@t2r/tokenizers/portable';
import { loadModel } from '@t2r/web';
import ModelWorker from '@t2r/web/worker?worker';
import mjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';

const wasmPaths = { mjs: new URL(mjs, location.href).href, wasm: new URL(wasm, location.href).href };
const models = new Map();

/** A model that stays open for later calls. */
async function open(address, options) {
  const key = JSON.stringify([address, options]);
  if (!models.has(key)) {
    const { inWorker, ...rest } = options;
    models.set(key, await loadModel(address, { ...rest, wasmPaths, ...(inWorker && { worker: new ModelWorker() }) }));
  }
  return models.get(key);
}

/** Ids that a model chooses, and how long they took in milliseconds. */
globalThis.generateIds = async (address, prompt, options, load) => {
  const model = await open(address, load);
  const ids = [];
  const ms = [];
  for await (const token of model.generate(prompt, options)) {
    ids.push(token.id);
    ms.push(token.ms);
  }
  return { ids, ms, threads: model.threads };
};

/** Ids of texts, and the texts back, by a tokenizer that was fetched. */
globalThis.tokenize = async (address, name, texts) => {
  const bytes = new Uint8Array(await (await fetch(address)).arrayBuffer());
  const tokenizer = await tokenizerFromContents({ name, bytes });
  return texts.map((text) => {
    const ids = tokenizer.encode(text);
    return { ids: [...ids], text: tokenizer.decode(ids) };
  });
};
