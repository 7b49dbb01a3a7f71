/**
 * One optimizer step as compiled programs. With one batch a step, all of one shape, forward, backward, clipping and update are
 * one graph. Otherwise a graph for each shape adds a batch's gradients to variables, and one that all shapes share updates
 * the parameters from the sums.
 */
import type { Engine, HostArray, Program, TensorMap, TensorSpec, Variables } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingBatch } from './batches.js';
import { guardedUpdates, type LossScaling, lossScaleOf, readLossScale } from './loss-scale.js';
import type { Objective } from './objective.js';
import type { Optimizer } from './optimizer.js';
import type { TrainedParameter } from './parameter-patterns.js';
import { createProgramTable } from './program-table.js';
import { applyGradients, gradientName, gradientVariables, lossAndGradients, scalarName } from './training-graph.js';

export interface TrainingProgramOptions {
  objective: Objective;
  /** The parameters that are trained; the others stay as they are. */
  trained: readonly TrainedParameter[];
  optimizer: Optimizer;
  /** Batches whose mean gradient makes one optimizer step. */
  accumulate: number;
  /** All batches have one shape and as many tokens as each other. Default true; otherwise tokens, not batches, count alike. */
  uniform?: boolean;
  /** Largest global gradient norm; 0 = no clipping. */
  clip: number;
  /** Products in half precision, and how the loss is scaled; the variables hold `lossScaleVariables` then. Default: float32. */
  lossScaling?: LossScaling;
  /** Seed of the dropout masks. */
  seed: number;
}

export interface StepOutcome {
  /** Mean loss of the objective; of a language model in nats a token, smoothing included. */
  loss: number;
  /** Norm of the mean gradient before clipping. */
  gradientNorm: number;
  /** With a scaled loss: the scale of the next step, and whether gradients were not finite, so that this one changed nothing. */
  lossScale?: { scale: number; skipped: boolean };
  /** Time inside the engine; the rest of a step is the host's overhead. */
  seconds: number;
  /** Time for programs that this step was the first to need. */
  compileSeconds: number;
}

export interface TrainingProgram {
  /**
   * Runs optimizer step `step` (from 0) on its batches, `accumulate` in number, with a learning rate for each group of
   * parameters. Programs are compiled when the first batch of a shape comes.
   */
  run(step: number, rates: readonly number[], batches: readonly TrainingBatch[]): Promise<StepOutcome>;
  dispose(): Promise<void>;
}

/** Scalar inputs of the optimizer, for each group of parameters, and the arrays they are fed from, reused at every step. */
function scalarFeeds(optimizer: Optimizer, trained: readonly TrainedParameter[]) {
  const groups = [...new Set(trained.map(({ group }) => group))];
  const specs: Record<string, TensorSpec> = {};
  const feeds: Record<string, HostArray> = {};
  for (const group of groups)
    for (const name of optimizer.scalars) {
      specs[scalarName(name, group)] = { shape: [] };
      feeds[scalarName(name, group)] = new Float32Array(1);
    }
  const set = (step: number, rates: readonly number[]) => {
    for (const group of groups) {
      const values = optimizer.scalarsAt(step, rates[group]!);
      for (const name of optimizer.scalars) feeds[scalarName(name, group)]![0] = values[name]!;
    }
  };
  return { specs, feeds, set };
}

/** `make`, called once for each object: engines do not trace again what is the same function. */
function onceFor<K extends object, V>(make: (key: K) => V): (key: K) => V {
  const made = new WeakMap<K, V>();
  return (key) => {
    const value = made.get(key) ?? make(key);
    made.set(key, value);
    return value;
  };
}

/** Of the program that holds the products. */
const precisionOf = ({ lossScaling }: TrainingProgramOptions) => (lossScaling === undefined ? 'float32' : 'float16');

/** Adds up the time that some work takes. */
function stopwatch() {
  let milliseconds = 0;
  return {
    async time<T>(work: () => Promise<T>): Promise<T> {
      const started = performance.now();
      const result = await work();
      milliseconds += performance.now() - started;
      return result;
    },
    seconds: () => milliseconds / 1000,
  };
}

/** How an optimizer step goes when its loss may be scaled: which step the optimizer counts it as, and what became of it. */
function scaledSteps(variables: Variables, scaling: LossScaling | undefined) {
  if (scaling === undefined) return { begin: (step: number) => step, outcome: () => ({}) };
  let before = 0;
  return {
    /** Steps that have changed something, before step `step`: what bias corrections count. */
    begin(step: number): number {
      before = readLossScale(variables).skipped;
      return step - before;
    },
    outcome(): Pick<StepOutcome, 'lossScale'> {
      const { scale, skipped } = readLossScale(variables);
      return { lossScale: { scale, skipped: skipped > before } };
    },
  };
}

/** Updates of all parameters from their summed gradients, guarded where the loss is scaled. */
function updateOf(
  { trained, optimizer, accumulate, clip, lossScaling }: TrainingProgramOptions,
  inputs: TensorMap,
  values: TensorMap,
  gradients: tf.Tensor[],
) {
  const scale = lossScaling && lossScaleOf(values);
  const { norm, updates } = applyGradients(trained, optimizer, { accumulate, clip, scale }, inputs, values, gradients);
  return { norm, updates: lossScaling ? guardedUpdates(norm, updates, values, lossScaling) : updates };
}

/** Whether gradients of several batches are summed, and whether by their shares of the tokens. */
const gathering = ({ accumulate, uniform = true }: TrainingProgramOptions) => ({
  sums: accumulate > 1,
  weighted: accumulate > 1 && !uniform,
});

/** Loss, gradients and updates of one batch. */
const wholeStep = onceFor(
  (options: TrainingProgramOptions): Program =>
    (inputs, values, dropout) => {
      const { objective, trained, lossScaling } = options;
      const scale = lossScaling && lossScaleOf(values);
      const { loss, gradients } = lossAndGradients(objective, trained, inputs, values, dropout, scale);
      const { norm, updates } = updateOf(options, inputs, values, gradients);
      return { outputs: { loss, norm }, updates };
    },
);

/** Loss of one batch, and its gradients added to the sums of those before. */
const gatherGradients = onceFor(
  (options: TrainingProgramOptions): Program =>
    (inputs, values, dropout) => {
      const { objective, trained, lossScaling } = options;
      const { sums, weighted } = gathering(options);
      const scale = lossScaling && lossScaleOf(values);
      const { loss, gradients } = lossAndGradients(objective, trained, inputs, values, dropout, scale);
      const updates: TensorMap = {};
      trained.forEach(({ name }, i) => {
        const gradient = weighted ? tf.mul(gradients[i]!, inputs.share!) : gradients[i]!;
        const sum = values[gradientName(name)]!;
        if (!sums) updates[gradientName(name)] = gradient;
        else if (scale === undefined) updates[gradientName(name)] = tf.add(tf.mul(sum, inputs.carry!), gradient);
        // Sums that have overflowed stay so when they are multiplied by zero.
        else updates[gradientName(name)] = tf.where(tf.greater(inputs.carry!, 0), tf.add(sum, gradient), gradient);
      });
      return { outputs: { loss }, updates };
    },
);

/** Updates from the sums of all batches of a step. */
const updateFromSums = onceFor(
  (options: TrainingProgramOptions): Program =>
    (inputs, values) => {
      const gradients = options.trained.map(({ name }) => values[gradientName(name)]!);
      const { norm, updates } = updateOf(options, inputs, values, gradients);
      return { outputs: { norm }, updates };
    },
);

/** Forward, backward and update in one graph: for one batch a step. */
function wholeProgram(engine: Engine, variables: Variables, options: TrainingProgramOptions): TrainingProgram {
  const { trained, optimizer, lossScaling, seed } = options;
  const steps = scaledSteps(variables, lossScaling);
  const scalars = scalarFeeds(optimizer, trained);
  const programs = createProgramTable((specs) =>
    engine.compile({
      name: 'train',
      memoryPattern: false,
      inputs: { ...specs, ...scalars.specs },
      variables,
      seed,
      precision: precisionOf(options),
      program: wholeStep(options),
    }),
  );
  return {
    async run(step, rates, batches) {
      const batch = batches[0]!;
      const [compiling, clock] = [stopwatch(), stopwatch()];
      const program = await compiling.time(() => programs.for(batch));
      scalars.set(steps.begin(step), rates);
      const { loss, norm } = await clock.time(() => program.run({ ...scalars.feeds, ...batch.arrays }, { step }));
      const seconds = { seconds: clock.seconds(), compileSeconds: compiling.seconds() };
      return { loss: loss![0]!, gradientNorm: norm![0]!, ...steps.outcome(), ...seconds };
    },
    dispose: () => programs.dispose(),
  };
}

/**
 * Gradients gathered in variables, then the update. Where batches differ in tokens, the mean loss of each and its gradient
 * count by its share of the tokens: the sum over all tokens of the step by their number, as in fairseq.
 */
function gatheringProgram(engine: Engine, variables: Variables, options: TrainingProgramOptions): TrainingProgram {
  const { trained, optimizer, accumulate, lossScaling, seed } = options;
  const steps = scaledSteps(variables, lossScaling);
  for (const [name, value] of Object.entries(gradientVariables(trained)))
    if (!variables.has(name)) variables.add(name, value);
  const { sums, weighted } = gathering(options);
  const gather = createProgramTable((specs) =>
    engine.compile({
      name: 'accumulate',
      memoryPattern: false,
      inputs: {
        ...specs,
        ...(sums ? { carry: { shape: [] } } : {}),
        ...(weighted ? { share: { shape: [] } } : {}),
      },
      variables,
      seed,
      precision: precisionOf(options),
      program: gatherGradients(options),
    }),
  );
  const scalars = scalarFeeds(optimizer, trained);
  const update = createProgramTable(() =>
    engine.compile({
      name: 'update',
      inputs: scalars.specs,
      variables,
      program: updateFromSums(options),
    }),
  );
  return {
    async run(step, rates, batches) {
      const [compiling, clock] = [stopwatch(), stopwatch()];
      const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
      let total = 0;
      for (const [i, batch] of batches.entries()) {
        const share = weighted ? (batch.tokens * accumulate) / tokens : 1;
        const feeds: Record<string, HostArray> = { ...batch.arrays };
        // The first batch of a step overwrites the sums of the step before.
        if (sums) feeds.carry = Float32Array.of(i === 0 ? 0 : 1);
        if (weighted) feeds.share = Float32Array.of(share);
        const program = await compiling.time(() => gather.for(batch));
        // Every batch has dropout masks of its own: its number stands in for the step.
        const { loss } = await clock.time(() => program.run(feeds, { step: step * accumulate + i }));
        total += share * loss![0]!;
      }
      scalars.set(steps.begin(step), rates);
      const program = await compiling.time(() => update.for({ specs: {} }));
      const { norm } = await clock.time(() => program.run(scalars.feeds));
      const seconds = { seconds: clock.seconds(), compileSeconds: compiling.seconds() };
      return { loss: total / accumulate, gradientNorm: norm![0]!, ...steps.outcome(), ...seconds };
    },
    async dispose() {
      await gather.dispose();
      await update.dispose();
    },
  };
}

/** A training step over `variables`, which hold the model's parameters and the optimizer's slots. */
export function createTrainingProgram(
  engine: Engine,
  variables: Variables,
  options: TrainingProgramOptions,
): TrainingProgram {
  const { accumulate, uniform = true } = options;
  return (accumulate === 1 && uniform ? wholeProgram : gatheringProgram)(engine, variables, options);
}
