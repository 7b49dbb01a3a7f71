/** Runs `evaluate/generation`. */
import type { Metrics, StepContext, StepResult } from '@t2r/core';
import type { TextGenerator } from '@t2r/generation';
import type { GenerationOptions } from './generation-schema.js';
import { generationMetricNames } from './generation-step.js';
import { type DecodingPoint, type DecodingSpeed, measureDecoding } from './speed/decoding-speed.js';
import { decodingSubject, loadModel } from './speed/subject.js';

/** What the step leaves as data. */
export interface GenerationData {
  /** One point per checkpoint and position. */
  curve: (DecodingPoint & { step: string })[];
  samples: { step: string; prompt: string; text: string }[];
  /** How each checkpoint was measured. */
  protocols: { step: string; text: string }[];
  /** Positions that could not be measured. */
  skipped: { step: string; positions: number[] }[];
}

/** Measures each checkpoint in turn. */
export async function runGeneration(options: GenerationOptions, context: StepContext): Promise<StepResult> {
  const { tokens, rounds, warmup, sample } = options;
  const positions = [...new Set(options.positions)].sort((a, b) => a - b);
  const engine = await context.create('engine', context.engineSpec).open();
  const metrics: Metrics = {};
  const data: GenerationData = { curve: [], samples: [], protocols: [], skipped: [] };
  try {
    for (const ref of options.of) {
      const { id, folder } = context.input(ref);
      const loaded = await loadModel(folder, context);
      const subject = decodingSubject(loaded, engine);
      // First, because a prompt that does not suit the tokenizer should not cost a measurement.
      if (sample.tokens > 0 && loaded.tokenizer === undefined)
        context.events.warn(`${id}: no sample text, the checkpoint has no tokenizer.json`);
      else if (sample.tokens > 0) {
        const generator = subject.open({ batch: 1, capacity: 256, chunk: 128 });
        const text = await sampleText(generator, options, context.signal);
        await generator.dispose();
        data.samples.push({ step: id, prompt: options.prompt, text });
        context.events.info(`${id} writes: ${JSON.stringify(options.prompt + text)}`);
      }
      const speed = await measureDecoding(subject, {
        positions,
        tokens,
        warmup,
        rounds,
        seed: context.seed,
        signal: context.signal,
        onProgress: (done, total) => context.events.progress(done, { total, unit: `tokens of ${id}` }),
      });
      for (const point of speed.points) {
        const names = generationMetricNames(id, point.position);
        metrics[names.tokensPerSecond] = point.tokensPerSecond;
        metrics[names.stateBytes] = point.stateBytes;
        metrics[names.rssBytes] = point.rssBytes;
        context.events.point(`${id}.generation.tokens_per_s`, point.position, point.tokensPerSecond);
        data.curve.push({ step: id, ...point });
      }
      for (const reason of ['positions', 'memory'] as const) {
        const left = speed.skipped.filter((point) => point.reason === reason).map(({ position }) => position);
        if (left.length === 0) continue;
        data.skipped.push({ step: id, positions: left });
        const why = {
          positions: `its learned positions end at ${subject.model.config.maxPositions}`,
          memory: 'their cache does not fit into the memory of this machine',
        };
        context.events.warn(`${id}: positions ${left.join(', ')} are skipped; ${why[reason]}`);
      }
      const text = formatDecodingProtocol(speed, { engine: engine.name, tokens, rounds, warmup });
      data.protocols.push({ step: id, text });
      context.events.info(`${id}: ${text}`);
    }
  } finally {
    await engine.dispose();
  }
  return { metrics, data };
}

const ORIGINS = { decoded: 'decoded', read: 'read as a prompt', placed: 'placed, filled with noise' };

/** e.g. `decode|engine:onnx|batch:1|choice:greedy|state:decoded|tokens:40|rounds:5|warmup:8|median of single tokens`. */
export function formatDecodingProtocol(
  { batch, points }: DecodingSpeed,
  settings: { engine: string; tokens: number; rounds: number; warmup: number },
): string {
  const { engine, tokens, rounds, warmup } = settings;
  const origins = [...new Set(points.map(({ state }) => state))];
  return [
    'decode',
    `engine:${engine}`,
    `batch:${batch}`,
    'choice:greedy',
    `state:${origins.map((origin) => ORIGINS[origin]).join('; ')}`,
    `tokens:${tokens}`,
    `rounds:${rounds}`,
    `warmup:${warmup}`,
    'median of single tokens',
  ].join('|');
}

async function sampleText(
  generator: TextGenerator,
  { prompt, sample: { tokens: maxTokens, temperature, topP, seed } }: GenerationOptions,
  signal: AbortSignal,
): Promise<string> {
  let text = '';
  for await (const piece of generator.generateText(prompt, { maxTokens, temperature, topP, seed, signal }))
    text += piece;
  return text;
}
