/** Runs `model/init`. */
import { deriveSeed, type StepContext, type StepResult } from '@t2r/core';
import { initialWeights, parameterCount } from '@t2r/models';
import { tokenizerFiles } from '@t2r/tokenizers';
import { saveCheckpoint } from '@t2r/zoo';
import { checkSourceTokenizer, type ModelInitOptions } from './model-init.js';

/** Draws the weights and writes the checkpoint. */
export async function runModelInit(options: ModelInitOptions, context: StepContext): Promise<StepResult> {
  const tokenizer = context.input(options.tokenizer);
  const source = options.sourceTokenizer && context.input(options.sourceTokenizer);
  const [vocab, sourceVocab] = [tokenizer, source ?? tokenizer].map(({ data }) => (data as { vocab: number }).vocab);
  const model = context.create('model', options.model).build(vocab!, sourceVocab);
  checkSourceTokenizer(options, model);
  const seed = deriveSeed(context.seed, options.seed, 'model/init');
  await saveCheckpoint(context.folder, {
    config: {
      format: 't2r-checkpoint',
      version: 1,
      model: model.config,
      provenance: {
        step: 'model/init',
        tokenizer: tokenizer.key,
        ...(source && { sourceTokenizer: source.key }),
        seed,
      },
    },
    weights: initialWeights(model, seed),
    tokenizerPath: (await tokenizerFiles(tokenizer.folder))[0],
    sourceTokenizerPath: source && (await tokenizerFiles(source.folder))[0],
  });
  return { metrics: { parameters: parameterCount(model) }, data: { model: model.config } };
}
