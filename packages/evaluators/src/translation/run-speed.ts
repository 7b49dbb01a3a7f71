/** Runs `evaluate/translation-speed`. */
import type { Metrics, StepContext, StepResult } from '@t2r/core';
import { loadModel, translatingSubject } from '../speed/subject.js';
import { measureTranslating, type TranslatingPoint } from '../speed/translating-speed.js';
import { type TranslationSpeedOptions, translationSpeedNames } from './speed-step.js';

/** What the step leaves as data. */
export interface TranslationSpeedData {
  /** One point per checkpoint, batch and length. */
  translationSpeed: (TranslatingPoint & { step: string; batch: number })[];
  protocols: { step: string; text: string }[];
}

/** Measures each checkpoint in turn, and of each all lengths with one batch after the other. */
export async function runTranslationSpeed(options: TranslationSpeedOptions, context: StepContext): Promise<StepResult> {
  const { of, batches, rounds } = options;
  const lengths = [...new Set(options.lengths)].sort((a, b) => a - b);
  const engine = await context.create('engine', context.engineSpec).open();
  const metrics: Metrics = {};
  const data: TranslationSpeedData = { translationSpeed: [], protocols: [] };
  try {
    for (const ref of of) {
      const { id, folder } = context.input(ref);
      const subject = translatingSubject(await loadModel(folder, context), engine);
      for (const batch of batches) {
        const unit = `tokens by ${id}, ${batch} sentences side by side`;
        const { points, skipped } = await measureTranslating(subject, {
          lengths,
          batch,
          rounds,
          seed: context.seed,
          signal: context.signal,
          onProgress: (done, total) => context.events.progress(done, { total, unit }),
        });
        for (const point of points) {
          const names = translationSpeedNames(id, point.length, batch);
          metrics[names.tokensPerSecond] = point.tokensPerSecond;
          metrics[names.stateBytes] = point.stateBytes;
          context.events.point(`${id}.translation.tokens_per_s.batch${batch}`, point.length, point.tokensPerSecond);
          data.translationSpeed.push({ step: id, batch, ...point });
        }
        if (skipped.length > 0 && batch === batches[0])
          context.events.warn(
            `${id}: lengths ${skipped.join(', ')} are skipped; its learned positions end at ${subject.model.config.maxPositions}`,
          );
      }
    }
  } finally {
    await engine.dispose();
  }
  const text = `translate|engine:${engine.name}|beam:1|length:forced, source as long|rounds:${rounds}|median`;
  for (const { step } of of) data.protocols.push({ step, text });
  for (const { step } of of) context.events.info(`${step}: ${text}`);
  return { metrics, data };
}
