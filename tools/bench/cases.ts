/** The benchmark cases. Sizes are the reference work by default, so that figures compare with those of peers. */
import { type Attention, softmaxAttention, type T2rMlpOptions, t2rMlpAttention } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import { type Engine, openEngine, type WeightFormat } from '@t2r/engine';
import { argmax, createGenerator } from '@t2r/generation';
import { createLanguageModel, initialWeights, type LanguageModel, type LmConfig } from '@t2r/models';
import {
  createAdam,
  createTrainingProgram,
  languageModelObjective,
  slotVariables,
  trainedParameters,
} from '@t2r/trainers';
import { median } from './median.js';
import { TOKENIZER_CASES } from './tokenizers.js';
import { translate, translateLength } from './translate.js';

/** Sizes of the models under test; the d-prefixed ones are those of the decoding cases, the t-prefixed of translation. */
export interface Sizes {
  dim: number;
  heads: number;
  ffn: number;
  vocab: number;
  layers: number;
  batch: number;
  tokens: number;
  features: number;
  ddim: number;
  dheads: number;
  dffn: number;
  dvocab: number;
  dlayers: number;
  dbatch: number;
  tdim: number;
  theads: number;
  tffn: number;
  tvocab: number;
  /** Of the encoder, and of the decoder. */
  tlayers: number;
  /** Sentences, and how many of them are translated side by side. */
  tsentences: number;
  tbatch: number;
  beam: number;
  steps: number;
  threads: number;
}

export const REFERENCE: Sizes = {
  dim: 256,
  heads: 4,
  ffn: 1024,
  vocab: 8192,
  layers: 4,
  batch: 8,
  tokens: 256,
  features: 32,
  ddim: 512,
  dheads: 8,
  dffn: 2048,
  dvocab: 16384,
  dlayers: 6,
  dbatch: 1,
  tdim: 256,
  theads: 4,
  tffn: 1024,
  tvocab: 8192,
  tlayers: 3,
  tsentences: 128,
  tbatch: 32,
  beam: 5,
  steps: 10,
  threads: 2,
};

/** One line of output; times in milliseconds a step, memory in bytes. */
export interface Figure {
  case: string;
  threads: number;
  ms: number;
  min_ms: number;
  tokens_per_s: number;
  state_bytes_per_sequence?: number;
  /** How weights are stored (decode). */
  dtype?: WeightFormat;
  /** Attention of the decoder (translation). */
  attention?: string;
  sentences_per_s?: number;
  beam?: number;
  /** Sentences side by side, and tokens of source and target (translate-length). */
  batch?: number;
  length?: number;
  /** Positions in the cache (decode-kv). */
  context?: number;
  /** Share of a step that is spent outside of `session.run` (train). */
  host_share?: number;
  /** Of the fastest repetition, and millions of bytes of text a second (tokenizers). */
  best_tokens_per_s?: number;
  mb_per_s?: number;
  /** Tracing and opening sessions (train, translate). */
  compile_ms?: number;
  peak_rss_bytes: number;
}

export type BenchCase = (sizes: Sizes, contexts: readonly number[], dtype?: WeightFormat) => AsyncGenerator<Figure>;

/** The paper's feature map; quadratic, as the authors train. */
const T2R: Omit<T2rMlpOptions, 'features'> = {
  activation: 'relu',
  bias: true,
  epsilon: 1e-2,
  form: 'quadratic',
  chunk: 64,
};

/** Runs `step` and gives the median and the least time in milliseconds, after a warm-up. */
async function timed(
  step: () => Promise<void>,
  warmUp: number,
  count: number,
): Promise<{ ms: number; min_ms: number }> {
  const times: number[] = [];
  for (let i = 0; i < warmUp + count; i++) {
    const started = performance.now();
    await step();
    if (i >= warmUp) times.push(performance.now() - started);
  }
  return { ms: median(times), min_ms: Math.min(...times) };
}

// Node gives the peak resident set in KiB.
const peakMemory = () => process.resourceUsage().maxRSS * 1024;

function model(
  attention: Attention,
  config: Partial<LmConfig> & Pick<LmConfig, 'vocab' | 'layers' | 'dim' | 'heads' | 'ffn'>,
): LanguageModel {
  const layers = Array.from({ length: config.layers }, () => attention);
  return createLanguageModel(
    {
      use: 'decoder-lm',
      activation: 'relu',
      norm: 'pre',
      positions: 'learned',
      maxPositions: 1 << 16,
      tieOutput: true,
      scaleEmbedding: false,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.02,
      ...config,
      attention: layers.map(({ name, options }) => ({ use: name, ...options })),
    },
    layers,
  );
}

async function withEngine<T>(threads: number, body: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openEngine('onnx', { threads });
  try {
    return await body(engine);
  } finally {
    await engine.dispose();
  }
}

/** One optimizer step (Adam) of a causal language model. */
const train = (name: string, attention: (sizes: Sizes) => Attention): BenchCase =>
  async function* (sizes) {
    const { dim, heads, ffn, vocab, layers, batch, tokens, threads, steps } = sizes;
    yield await withEngine(threads, async (engine): Promise<Figure> => {
      const lm = model(attention(sizes), { dim, heads, ffn, vocab, layers, maxPositions: tokens });
      const adam = createAdam('adam', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decayAll: false }, false);
      const trained = trainedParameters(lm.parameters());
      const variables = engine.variables({ ...initialWeights(lm, 1), ...slotVariables(trained, adam) });
      const options = {
        objective: languageModelObjective(lm),
        trained,
        optimizer: adam,
        accumulate: 1,
        clip: 0,
        seed: 1,
      };
      const program = createTrainingProgram(engine, variables, options);
      const random = createRandom(1, 'bench');
      const draw = () => Int32Array.from({ length: batch * tokens }, () => random.integer(vocab));
      const spec = { shape: [batch, tokens], dtype: 'int32' as const };
      const arrays = { inputs: draw(), targets: draw() };
      const batches = [{ arrays, specs: { inputs: spec, targets: spec }, tokens: batch * tokens }];
      let step = 0;
      let compileMs = 0;
      let inside = 0;
      const { ms, min_ms } = await timed(
        async () => {
          const { seconds, compileSeconds } = await program.run(step++, [1e-3], batches);
          inside += seconds;
          compileMs += compileSeconds * 1000;
        },
        2,
        steps,
      );
      return {
        case: name,
        threads,
        ms,
        min_ms,
        tokens_per_s: (batch * tokens) / (ms / 1000),
        host_share: Math.max(0, 1 - (inside * 1000) / step / ms),
        compile_ms: compileMs,
        peak_rss_bytes: peakMemory(),
      };
    });
  };

function decodingModel(sizes: Sizes, attention: Attention): LanguageModel {
  const { ddim: dim, dheads: heads, dffn: ffn, dvocab: vocab, dlayers: layers } = sizes;
  return model(attention, { dim, heads, ffn, vocab, layers, positions: 'none' });
}

/** Greedy decoding, one token at a time, with a recurrent state of fixed size. */
const decode: BenchCase = async function* (sizes, _, dtype = 'fp32') {
  const { threads, dbatch, dvocab, steps, features } = sizes;
  yield await withEngine(threads, async (engine): Promise<Figure> => {
    const lm = decodingModel(sizes, t2rMlpAttention({ ...T2R, features }));
    const generator = createGenerator({ model: lm, weights: initialWeights(lm, 1), engine, batch: dbatch, dtype });
    const ids = new Int32Array(dbatch);
    const { ms, min_ms } = await timed(
      async () => {
        const logits = await generator.next(ids);
        for (let row = 0; row < dbatch; row++) ids[row] = argmax(logits.subarray(row * dvocab, (row + 1) * dvocab));
      },
      10,
      steps * 20,
    );
    const figure = { case: 'decode', dtype, threads, ms, min_ms, tokens_per_s: dbatch / (ms / 1000) };
    return { ...figure, state_bytes_per_sequence: generator.stateBytes(), peak_rss_bytes: peakMemory() };
  });
};

/** Positions that the measured tokens take in a cache: it does not grow meanwhile. */
const CACHE_ROOM = 128;

/** The same model size with softmax attention and a key/value cache, at several context lengths. */
const decodeCache: BenchCase = async function* (sizes, contexts) {
  const { threads, dbatch, dvocab, steps } = sizes;
  for (const context of contexts) {
    yield await withEngine(threads, async (engine): Promise<Figure> => {
      const lm = decodingModel(sizes, softmaxAttention());
      const weights = initialWeights(lm, 1);
      const generator = createGenerator({ model: lm, weights, engine, batch: dbatch, capacity: context + CACHE_ROOM });
      const ids = new Int32Array(dbatch);
      await generator.prefill(new Int32Array(dbatch * context));
      const { ms, min_ms } = await timed(
        async () => {
          const logits = await generator.next(ids);
          for (let row = 0; row < dbatch; row++) ids[row] = argmax(logits.subarray(row * dvocab, (row + 1) * dvocab));
        },
        10,
        Math.min(CACHE_ROOM - 10, steps * 20),
      );
      const figure = { case: 'decode-kv', context, threads, ms, min_ms, tokens_per_s: dbatch / (ms / 1000) };
      return { ...figure, state_bytes_per_sequence: lm.stateBytes(context), peak_rss_bytes: peakMemory() };
    });
  }
};

export const CASES: Record<string, BenchCase> = {
  train: train('train', () => softmaxAttention()),
  'train-t2r': train('train-t2r', ({ features }) => t2rMlpAttention({ ...T2R, features })),
  decode,
  'decode-kv': decodeCache,
  translate,
  'translate-length': translateLength,
  ...(process.env.T2R_DATA === undefined ? {} : TOKENIZER_CASES),
};
