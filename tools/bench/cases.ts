/** The benchmark cases. Sizes are the reference work by default, so that figures compare with those of peers. */
import { type Attention, softmaxAttention } from '@t2r/attention';
import type { Precision, Provider, WeightFormat } from '@t2r/engine';
import { argmax, createGenerator } from '@t2r/generation';
import { initialWeights, type LanguageModel } from '@t2r/models';
import { batch } from './batch.js';
import { model, peakMemory, ranOn, t2r, timed, withEngine } from './language-models.js';
import { TOKENIZER_CASES } from './tokenizers.js';
import { TRAINING_CASES } from './train.js';
import { trainSizes } from './train-sizes.js';
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
  /** Batches to an optimizer step. */
  accumulate: number;
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
  accumulate: 1,
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
  /** Where it ran, unless on cpu in float32 (train cases, decode). */
  provider?: string;
  precision?: Precision;
  /** How weights are stored (decode, batch). */
  dtype?: WeightFormat;
  /** Attention of the decoder (translation). */
  attention?: string;
  sentences_per_s?: number;
  beam?: number;
  /** Sequences side by side (batch, train); sentences, and tokens of source and target (translate-length). */
  batch?: number;
  length?: number;
  /** Rows of the programs there are, and tokens a second over those of one sequence (batch). */
  programs?: string;
  speedup?: number;
  /** Positions in the cache (decode-kv). */
  context?: number;
  /** Share of a step that is spent outside of `session.run` (train). */
  host_share?: number;
  /** Of the fastest repetition, and millions of bytes of text a second (tokenizers). */
  best_tokens_per_s?: number;
  mb_per_s?: number;
  /**
   * Tracing and opening sessions (train, translate), and the same for a structure that is open already (train): from the same
   * definition, and from one built anew.
   */
  compile_ms?: number;
  recompile_ms?: number;
  retrace_ms?: number;
  /** Of the model, and tokens in a sequence (train). */
  layers?: number;
  dim?: number;
  parameters?: number;
  tokens?: number;
  /** What `t2r plan` says (train). */
  planned_rss_bytes?: number;
  /** Steps run, and the growth of heap and resident set after warm-up as a share of them (train-drift). */
  steps?: number;
  heap_drift?: number;
  rss_drift?: number;
  heap_bytes?: number;
  rss_bytes?: number;
  peak_rss_bytes: number;
}

/** What a case runs on, besides the sizes. */
export interface BenchOptions {
  /** Positions that caches are measured at (decode-kv). */
  contexts: readonly number[];
  /** How weights are stored (decode, batch). */
  dtype: WeightFormat;
  /** Execution provider (train cases and decode; the others run on cpu). */
  provider: Provider;
  /** What products are computed in, and with float16 the loss is scaled (train cases). */
  precision: Precision;
}

export const BENCH_DEFAULTS: BenchOptions = {
  contexts: [512, 2048, 8192],
  dtype: 'fp32',
  provider: 'cpu',
  precision: 'float32',
};

export type BenchCase = (sizes: Sizes, options: BenchOptions) => AsyncGenerator<Figure>;

function decodingModel(sizes: Sizes, attention: Attention): LanguageModel {
  const { ddim: dim, dheads: heads, dffn: ffn, dvocab: vocab, dlayers: layers } = sizes;
  return model(attention, { dim, heads, ffn, vocab, layers, positions: 'none' });
}

/** Greedy decoding, one token at a time, with a recurrent state of fixed size. */
const decode: BenchCase = async function* (sizes, { dtype, provider }) {
  const { threads, dbatch, dvocab, steps, features } = sizes;
  yield await withEngine({ threads, provider }, async (engine): Promise<Figure> => {
    const lm = decodingModel(sizes, t2r(features));
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
    const figure = {
      case: 'decode',
      ...ranOn({ provider }),
      dtype,
      threads,
      ms,
      min_ms,
      tokens_per_s: dbatch / (ms / 1000),
    };
    return { ...figure, state_bytes_per_sequence: generator.stateBytes(), peak_rss_bytes: peakMemory() };
  });
};

/** Positions that the measured tokens take in a cache: it does not grow meanwhile. */
const CACHE_ROOM = 128;

/** The same model size with softmax attention and a key/value cache, at several context lengths. */
const decodeCache: BenchCase = async function* (sizes, { contexts, provider }) {
  const { threads, dbatch, dvocab, steps } = sizes;
  for (const context of contexts) {
    yield await withEngine({ threads, provider }, async (engine): Promise<Figure> => {
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
      const figure = {
        case: 'decode-kv',
        ...ranOn({ provider }),
        context,
        threads,
        ms,
        min_ms,
        tokens_per_s: dbatch / (ms / 1000),
      };
      return { ...figure, state_bytes_per_sequence: lm.stateBytes(context), peak_rss_bytes: peakMemory() };
    });
  }
};

export const CASES: Record<string, BenchCase> = {
  ...TRAINING_CASES,
  'train-sizes': trainSizes,
  decode,
  'decode-kv': decodeCache,
  batch,
  translate,
  'translate-length': translateLength,
  ...(process.env.T2R_DATA === undefined ? {} : TOKENIZER_CASES),
};
