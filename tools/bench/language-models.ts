/** What the cases of language models share: the model, the engine, timing and memory. */

import { type Attention, type T2rMlpOptions, t2rMlpAttention } from '@t2r/attention';
import { type Engine, openEngine, type Provider } from '@t2r/engine';
import { median } from '@t2r/evaluators';
import { createLanguageModel, type LanguageModel, type LmConfig } from '@t2r/models';
import type { BenchOptions } from './cases.js';

/** The paper's feature map in one of the forms of training; quadratic is how the authors train. */
export const t2r = (features: number, form: T2rMlpOptions['form'] = 'auto'): Attention =>
  t2rMlpAttention({ features, activation: 'relu', bias: true, epsilon: 1e-2, form, chunk: 64 });

/** Runs `step` and gives the median and the least time in milliseconds, after a warm-up. */
export async function timed(
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

/** Largest resident set of this process so far, in bytes; Node gives KiB. */
export const peakMemory = () => process.resourceUsage().maxRSS * 1024;

export function model(
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

/** Of a figure: the provider and the precision, where they are not the usual ones. */
export const ranOn = ({ provider, precision = 'float32' }: Pick<BenchOptions, 'provider'> & Partial<BenchOptions>) => ({
  ...(provider === 'cpu' ? {} : { provider }),
  ...(precision === 'float32' ? {} : { precision }),
});

export async function withEngine<T>(
  options: { threads: number; provider?: Provider },
  body: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine('onnx', options);
  try {
    return await body(engine);
  } finally {
    await engine.dispose();
  }
}
