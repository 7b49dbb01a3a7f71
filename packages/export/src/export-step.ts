/** The step `export/onnx`: a checkpoint as a folder of ONNX files. */
import { join } from 'node:path';
import { defineComponent, type Step, type StepContext, type StepResult, stepRef, UserError } from '@t2r/core';
import { buildModel, modelPlan, plannedModel } from '@t2r/models';
import { z } from 'zod';
import { exportShape, exportSizes } from './export-options.js';

const schema = z.strictObject({
  from: stepRef('checkpoint', 'The step whose checkpoint is exported.'),
  ...exportShape,
  name: z.string().min(1).optional().describe('Name of the model, the heading of its card. Default: run and step.'),
  data: stepRef(
    ['tokens', 'pairs'],
    'Text on which the files are compared with the training graph, a test set where there is one. Default: what the model itself writes.',
  ).optional(),
  evaluations: z
    .array(stepRef('metrics', 'A step that evaluates.'))
    .default([])
    .describe('Steps whose figures of this checkpoint stand in the card, e.g. [perplexity].'),
});

type StepOptions = z.output<typeof schema>;

/** The folder within the step's own. */
export const MODEL_FOLDER = 'model';

async function runExport(options: StepOptions, context: StepContext): Promise<StepResult> {
  const { exportCheckpoint } = await import('./export-checkpoint.js');
  const { describeRun } = await import('./source-run.js');
  const { from, data, evaluations, name, ...settings } = options;
  const artifact = context.input(from);
  const others = [...evaluations, ...(data === undefined ? [] : [data])].map((ref) => context.input(ref));
  const { history, text } = describeRun(context.run.name, artifact, others);
  // The files are for every ONNX Runtime, whatever engine the recipe trains with.
  const engine = await context.create('engine', 'onnx').open();
  try {
    const { parity, manifest, bytes } = await exportCheckpoint(artifact.folder, {
      ...settings,
      to: join(context.folder, MODEL_FOLDER),
      engine,
      context,
      name: name ?? `${context.run.name} ${artifact.id}`,
      // What an interrupted attempt has left.
      force: true,
      history,
      text,
      onProgress: (what) => context.events.info(what),
      signal: context.signal,
    });
    const { describeParity } = await import('./describe-parity.js');
    const lines = describeParity(parity);
    for (const line of lines) context.events.info(line);
    if (parity.passed === false)
      throw new Error(`the exported files are not equal to the training graph: ${lines.join('; ')}`);
    return {
      metrics: {
        max_difference: parity.max_difference,
        greedy_same: parity.greedy.same,
        agreement: parity.agreement,
        'perplexity.parallel': parity.perplexity.parallel,
        'perplexity.exported': parity.perplexity.exported,
        state_bytes: manifest.state_bytes,
        bytes,
      },
      data: { folder: MODEL_FOLDER, dtype: manifest.dtype, parity },
    };
  } finally {
    await engine.dispose();
  }
}

export const exportStep = defineComponent({
  kind: 'step',
  name: 'export/onnx',
  description: 'A checkpoint as ONNX files that any ONNX Runtime opens, held against the training graph.',
  schema,
  create: (options): Step => ({
    produces: 'export',
    metricNames: () => [
      'max_difference',
      'greedy_same',
      'agreement',
      'perplexity.parallel',
      'perplexity.exported',
      'state_bytes',
      'bytes',
    ],
    plan(context) {
      const config = plannedModel(context, options.from);
      if (config === undefined) return {};
      if (options.data !== undefined) checkData(options.data.step, config.use, context.input(options.data).produces);
      const { dtype, batch, chunk, capacity, source } = options;
      const model = buildModel(config, context);
      const sizes = exportSizes(model, { dtype, batch, chunk, capacity, source });
      const { parameters } = modelPlan(model);
      const stateBytesPerSequence =
        'encode' in model ? model.stateBytes(sizes.capacity, sizes.source) : model.stateBytes(sizes.capacity);
      return { parameters, stateBytesPerSequence, note: `${dtype}, two graphs` };
    },
    run: (context) => runExport(options, context),
  }),
});

/** @throws UserError where text of the wrong kind is given */
function checkData(step: string, use: 'decoder-lm' | 'encoder-decoder', produces: unknown): void {
  const isPairs = typeof produces === 'object' && produces !== null && 'sourceVocab' in produces;
  if (isPairs && use === 'decoder-lm')
    throw new UserError(`data: step ${step} has pairs of sentences, and the model is a language model`, {
      hint: 'Give a step that leaves tokens.',
    });
}
