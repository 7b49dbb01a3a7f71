/** What translation models are trained on: batches of pairs in a few shapes. */
import { type StepContext, UserError } from '@t2r/core';
import {
  createEvaluationBatches,
  createPairBatches,
  openPairs,
  type PairBatch,
  type PairReader,
  type PairsData,
} from '@t2r/datasets';
import type { TranslationConfig, TranslationModel } from '@t2r/models';
import type { BatchSource, TrainingBatch } from './batches.js';
import type { TrainingTask } from './training-run.js';
import { translationEvaluation } from './translation-evaluation.js';
import type { TrainTranslationOptions } from './translation-schema.js';

/** Rows of batches are a multiple of it, so that products of matrices have whole blocks. */
const ROW_MULTIPLE = 8;

/**
 * The model's configuration with the special tokens of the data.
 * @throws UserError where the data does not fit the model
 */
export function fitToData(model: TranslationConfig, data: PairsData, step: string): TranslationConfig {
  const { vocab, sourceVocab = vocab, tokens } = model;
  const { source, target } = data;
  if (source.vocab !== sourceVocab || target.vocab !== vocab)
    throw new UserError(
      `the model has ${sourceVocab} source and ${vocab} target tokens, the data of step ${step} has ${source.vocab} and ${target.vocab}`,
      { hint: 'Use the tokenizer that the model was made with.' },
    );
  const { start, end, pad: padding } = target;
  if (tokens !== undefined && (tokens.start !== start || tokens.end !== end))
    throw new UserError(
      `the model's target begins with token ${tokens.start} and ends with ${tokens.end}, that of step ${step} with ${start} and ${end}`,
      {
        hint: 'Give `special: { targetStart, targetEnd }` of dataset/pairs the entries that the model was trained with.',
      },
    );
  return { ...model, tokens: { start, end, padding } };
}

/** A batch as the programs are fed it. B rows, S and T the longest source and target. */
export function pairArrays({ shape, ...batch }: PairBatch): TrainingBatch {
  const { rows, source: S, target: T } = shape;
  return {
    arrays: {
      source: batch.source,
      sourceMask: batch.sourceMask,
      inputs: batch.targetInput,
      targets: batch.targetOutput,
      weights: batch.weights,
    },
    specs: {
      source: { shape: [rows, S], dtype: 'int32' },
      sourceMask: { shape: [rows, S] },
      inputs: { shape: [rows, T], dtype: 'int32' },
      targets: { shape: [rows, T], dtype: 'int32' },
      weights: { shape: [rows, T] },
    },
    tokens: batch.tokens,
  };
}

/** @throws UserError where learned positions end before the longest sentence */
export function checkLengths(reader: PairReader, split: string, { positions, maxPositions }: TranslationConfig): void {
  if (positions !== 'learned') return;
  for (const lengths of [reader.sourceLengths, reader.targetLengths])
    for (const [pair, length] of lengths.entries())
      if (length + 1 > maxPositions)
        throw new UserError(
          `pair ${pair + 1} of split "${split}" has ${length + 1} tokens, and the model ${maxPositions} learned positions`,
          { hint: 'Lower `maxTokens` of dataset/pairs, or give the model more maxPositions.' },
        );
}

/** Opens the data of a step that trains a translation model. */
export function pairData(
  options: TrainTranslationOptions,
  context: StepContext,
  model: TranslationModel,
  tokenizer: string | undefined,
): TrainingTask['open'] {
  return async (engine, variables, seedFor) => {
    const artifact = context.input(options.data);
    const data = artifact.data as PairsData;
    const readers: PairReader[] = [];
    const open = (split: string) => {
      const reader = openPairs(artifact.folder, data, split);
      readers.push(reader);
      checkLengths(reader, split, model.config);
      return reader;
    };
    try {
      const sizes = { maxTokens: options.tokens, rowMultiple: ROW_MULTIPLE };
      const batches = createPairBatches(open(options.split), data, {
        ...sizes,
        shapes: options.shapes,
        seed: seedFor('order'),
      });
      const padding = 1 - batches.tokens / batches.positions;
      context.events.info(
        `${batches.count} batches an epoch in ${batches.shapes.length} shapes, ${(100 * padding).toFixed(1)} % padding`,
      );
      const source: BatchSource = {
        uniform: false,
        batchesPerEpoch: batches.count,
        batch: (index) => pairArrays(batches.batch(index)),
      };
      const { evaluate } = options;
      const held = evaluate && open(evaluate.split);
      const evaluation =
        held &&
        (await translationEvaluation(engine, variables, {
          model,
          reader: held,
          data,
          batches: createEvaluationBatches(held, data, { ...sizes, shapes: batches.shapes }),
          bleu: evaluate.bleu,
          tokenizer,
        }));
      return {
        source,
        evaluation,
        async close() {
          await evaluation?.dispose();
          for (const reader of readers) reader.close();
        },
      };
    } catch (error) {
      for (const reader of readers) reader.close();
      throw error;
    }
  };
}
