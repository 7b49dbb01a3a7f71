/** The step `model/init`: a model with random weights, sized for a tokenizer's vocabulary. */
import { componentOption, defineComponent, type Step, stepRef, UserError } from '@t2r/core';
import { type AnyModel, isTranslation, modelPlan, type PlannedCheckpoint } from '@t2r/models';
import { z } from 'zod';
import { seedOption } from './seed.js';

const schema = z.strictObject({
  model: componentOption('model', 'The model and its hyperparameters, e.g. { use: decoder-lm, layers: 4, dim: 256 }.'),
  tokenizer: stepRef('tokenizer', 'The step whose tokenizer gives the vocabulary; it is copied beside the weights.'),
  sourceTokenizer: stepRef(
    'tokenizer',
    "The same for the sources of an encoder-decoder that have a tokenizer of their own; needs the model's shareEmbeddings: false.",
  ).optional(),
  seed: seedOption,
});

export type ModelInitOptions = z.output<typeof schema>;

/** @throws UserError where there is no use for a tokenizer of sources */
export function checkSourceTokenizer({ sourceTokenizer }: ModelInitOptions, model: AnyModel): void {
  if (sourceTokenizer === undefined || isTranslation(model)) return;
  throw new UserError('sourceTokenizer: a decoder-only language model has no sources', {
    hint: 'Leave it out, or use: encoder-decoder.',
  });
}

export const modelInit = defineComponent({
  kind: 'step',
  name: 'model/init',
  description: 'A model with weights drawn from the seed.',
  schema,
  create: (options): Step => ({
    produces: 'checkpoint',
    metricNames: () => ['parameters'],
    plan(context) {
      const { tokenizer, sourceTokenizer = tokenizer } = options;
      const vocabOf = (from: typeof tokenizer) => ((context.input(from).produces ?? {}) as { vocab?: number }).vocab;
      const [vocab, sourceVocab] = [vocabOf(tokenizer), vocabOf(sourceTokenizer)];
      if (vocab === undefined || sourceVocab === undefined) return {};
      const model = context.create('model', options.model).build(vocab, sourceVocab);
      checkSourceTokenizer(options, model);
      return { ...modelPlan(model), produces: { config: model.config } satisfies PlannedCheckpoint };
    },
    run: async (context) => (await import('./run-model-init.js')).runModelInit(options, context),
  }),
});
