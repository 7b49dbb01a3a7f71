/** What language models are trained and evaluated on: blocks of one stream of tokens. */
import { type StepContext, UserError } from '@t2r/core';
import { createBlocks, openTokens, type TokenReader, type TokensData } from '@t2r/datasets';
import type { TensorMap, TensorSpec } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { loadTokenizer } from '@t2r/tokenizers';
import type { Checkpoint } from '@t2r/zoo';
import type { BatchSource } from './batches.js';
import { compileEvaluation } from './evaluation.js';
import { loadModel } from './load-model.js';
import { checkBlock } from './train-plan.js';
import type { TrainingOptions } from './training-options.js';
import type { TrainingTask } from './training-run.js';

/** The checkpoint of an input, checked against the data that is to be trained on. */
export async function loadSource(options: TrainingOptions, context: StepContext): Promise<Checkpoint> {
  const checkpoint = await loadModel(context.input(options.from).folder, context);
  const { model } = checkpoint.config;
  const { vocab } = context.input(options.data).data as TokensData;
  // Tables of embeddings may have rows beyond the tokenizer's last entry, to a round number.
  if (vocab !== model.vocab && vocab !== (await ownVocabulary(checkpoint)))
    throw new UserError(`the model has ${model.vocab} tokens, the data of step ${options.data.step} has ${vocab}`, {
      hint: 'Use the tokenizer that the model was made with.',
    });
  checkBlock(options.block, model);
  return checkpoint;
}

/** Entries of the tokenizer that the checkpoint comes with. */
const ownVocabulary = async ({ tokenizer }: Checkpoint) =>
  tokenizer === undefined ? undefined : (await loadTokenizer(tokenizer)).vocabSize;

/** Opens a split of the data that a training step names. */
export function openSplit(context: StepContext, data: TrainingOptions['data'], split: string): TokenReader {
  const artifact = context.input(data);
  return openTokens(artifact.folder, artifact.data as TokensData, split);
}

type BlockOptions = Pick<TrainingOptions, 'block' | 'batch' | 'order'>;

/** Batches of blocks: `inputs` and `targets`, int32 [batch, block]. */
function blockSource(reader: TokenReader, { block, batch, order }: BlockOptions, seed: number): BatchSource {
  const blocks = createBlocks(reader, { block, batch, seed, order });
  const spec: TensorSpec = { shape: [batch, block], dtype: 'int32' };
  const specs = { inputs: spec, targets: spec };
  return {
    uniform: true,
    batch: (index) => ({ arrays: { ...blocks.batch(index) }, specs, tokens: batch * block }),
  };
}

/**
 * Opens the data of a training step that trains a language model.
 *
 * @param model the one that is evaluated
 * @param parameters its parameters from the variables, where they are not those themselves
 */
export function blockData(
  options: TrainingOptions,
  context: StepContext,
  model: LanguageModel,
  parameters?: (values: TensorMap) => TensorMap,
): TrainingTask['open'] {
  return async (engine, variables, seedFor) => {
    const { batch, block, evaluate } = options;
    const reader = openSplit(context, options.data, options.split);
    const held = evaluate && openSplit(context, options.data, evaluate.split);
    const shape = { model, batch, block, batches: evaluate?.batches, parameters };
    const evaluation = held && (await compileEvaluation(engine, variables, held, shape));
    return {
      source: blockSource(reader, options, seedFor('order')),
      evaluation,
      async close() {
        await evaluation?.dispose();
        reader.close();
        held?.close();
      },
    };
  };
}
