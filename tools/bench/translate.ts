/** Translation with random weights: beam search over sentences of many lengths, and decoding to a forced length. */
import { type Attention, softmaxAttention, t2rMlpAttention } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { measureTranslating, translatingSubject } from '@t2r/evaluators';
import { createBeamSearch, translationSearchModel } from '@t2r/generation';
import { createTranslationModel, initialParameter, type TranslationModel, type Weights } from '@t2r/models';
import type { BenchCase, Sizes } from './cases.js';
import { peakMemory } from './language-models.js';

/** End token of the random model; padding is 0 and also starts the decoder, as in Marian. */
const END = 2;

/** Features of self- and cross-attention, as in the paper's translation models. */
const CAUSAL_FEATURES = 4;

export function translationModel(sizes: Sizes, kind: 'softmax' | 't2r'): TranslationModel {
  const { tdim: dim, theads: heads, tffn: ffn, tvocab: vocab, tlayers: layers, features } = sizes;
  const t2r = (count: number) =>
    t2rMlpAttention({ features: count, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 64 });
  const all = (attention: Attention) => Array.from({ length: layers }, () => attention);
  const attention = all(kind === 'softmax' ? softmaxAttention() : t2r(CAUSAL_FEATURES));
  const cross = all(kind === 'softmax' ? softmaxAttention() : t2r(features));
  const specs = (variants: readonly Attention[]) => variants.map(({ name, options }) => ({ use: name, ...options }));
  return createTranslationModel(
    {
      use: 'encoder-decoder',
      vocab,
      dim,
      encoder: { layers, heads, ffn },
      decoder: { layers, heads, ffn },
      activation: 'relu',
      norm: 'pre',
      positions: 'sinusoidal',
      maxPositions: 4096,
      shareEmbeddings: true,
      tieOutput: true,
      scaleEmbedding: true,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.02,
      tokens: { start: 0, end: END, padding: 0 },
      attention: specs(attention),
      cross: specs(cross),
    },
    attention,
    cross,
  );
}

export function randomWeights(model: TranslationModel): Weights {
  return Object.fromEntries(
    model.parameters().map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, 1) }]),
  );
}

const ATTENTION = ['softmax', 't2r'] as const;

async function withSearch<T>(
  sizes: Sizes,
  kind: 'softmax' | 't2r',
  body: (search: ReturnType<typeof createBeamSearch>, model: TranslationModel) => Promise<T>,
): Promise<T> {
  const engine: Engine = await openEngine('onnx', { threads: sizes.threads });
  const model = translationModel(sizes, kind);
  const searchModel = translationSearchModel(model, { engine, weights: randomWeights(model) });
  const search = createBeamSearch({ engine, model: searchModel, sentences: sizes.tbatch });
  try {
    return await body(search, model);
  } finally {
    await search.dispose();
    await engine.dispose();
  }
}

/** Sources of 5 to 40 tokens, translated to as many; a random model does not end by itself. */
function randomSources({ tsentences, tvocab }: Sizes): Int32Array[] {
  const random = createRandom(1, 'sources');
  return Array.from({ length: tsentences }, () =>
    Int32Array.from({ length: 5 + random.integer(36) }, () => 3 + random.integer(tvocab - 3)),
  );
}

/** Beam search over a set of sentences, the second time that it is translated: all programs are compiled. */
export const translate: BenchCase = async function* (sizes) {
  const sources = randomSources(sizes);
  for (const attention of ATTENTION) {
    yield await withSearch(sizes, attention, async (search, model) => {
      const options = { beam: sizes.beam, maxTokens: 1, maxTokensPerSource: 1 };
      const once = async () => {
        const started = performance.now();
        const found = await search.search(sources, options);
        const ms = performance.now() - started;
        return { ms, tokens: found.reduce((sum, [best]) => sum + best!.ids.length + 1, 0) };
      };
      const first = await once();
      const times = [first, await once(), await once(), await once()];
      const rest = times
        .slice(1)
        .map(({ ms }) => ms)
        .sort((a, b) => a - b);
      const [min_ms, ms] = [rest[0]!, rest[1]!];
      return {
        case: 'translate',
        attention,
        beam: sizes.beam,
        threads: sizes.threads,
        ms,
        min_ms,
        compile_ms: first.ms - ms,
        tokens_per_s: first.tokens / (ms / 1000),
        sentences_per_s: sources.length / (ms / 1000),
        state_bytes_per_sequence: model.stateBytes(24, 24),
        peak_rss_bytes: peakMemory(),
      };
    });
  }
};

/** Sentences decoded side by side in `translate-length`. */
const BATCHES = [1, 16];
const LENGTHS = [64, 256, 1024, 2048];

/** Decoding to a forced length from a source of the same length, beam 1: how speed and state depend on length. */
export const translateLength: BenchCase = async function* (sizes) {
  const engine: Engine = await openEngine('onnx', { threads: sizes.threads });
  try {
    for (const batch of BATCHES) {
      for (const attention of ATTENTION) {
        const model = translationModel(sizes, attention);
        const subject = translatingSubject({ model, weights: randomWeights(model) }, engine);
        const { points } = await measureTranslating(subject, { lengths: LENGTHS, batch, rounds: 3, seed: 1 });
        for (const { length, tokensPerSecond, stateBytes } of points) {
          const ms = (batch * length * 1000) / tokensPerSecond;
          yield {
            case: 'translate-length',
            attention,
            batch,
            length,
            beam: 1,
            threads: sizes.threads,
            ms,
            min_ms: ms,
            tokens_per_s: tokensPerSecond,
            state_bytes_per_sequence: stateBytes,
            peak_rss_bytes: peakMemory(),
          };
        }
      }
    }
  } finally {
    await engine.dispose();
  }
};
