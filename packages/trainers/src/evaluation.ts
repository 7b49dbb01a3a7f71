/** What is measured on held-out text while training; of language models, perplexity on windows side by side. */
import { evaluationWindows, type TokenReader } from '@t2r/datasets';
import type { Engine, TensorMap, Variables } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';

/** What an evaluation found. */
export interface Measured {
  /** exp(mean negative log-likelihood a token). */
  perplexity: number;
  /** Of a beam search, from 0 to 100, where the evaluation makes one. */
  bleu?: number;
}

/** An evaluation of the present variables, as the training loop asks for it. */
export interface HeldOut {
  /** Undefined when `signal` cut it short. */
  measure(signal: AbortSignal): Promise<Measured | undefined>;
  dispose(): Promise<void>;
}

export interface EvaluationOptions {
  model: LanguageModel;
  batch: number;
  block: number;
  /** Stops after this many batches; default: the whole split. */
  batches?: number;
  /** The model's parameters from the variables, where they are not those themselves. */
  parameters?: (values: TensorMap) => TensorMap;
}

export interface Evaluation extends HeldOut {
  /** exp(mean negative log-likelihood a token) under the present variables; undefined when `signal` cut it short. */
  perplexity(signal: AbortSignal): Promise<number | undefined>;
}

/** Compiles an evaluation of the parameters in `variables` on the tokens of `reader`. */
export async function compileEvaluation(
  engine: Engine,
  variables: Variables,
  reader: TokenReader,
  { model, batch, block, batches = Number.POSITIVE_INFINITY, parameters = (values) => values }: EvaluationOptions,
): Promise<Evaluation> {
  const shape = [batch, block];
  const program = await engine.compile({
    name: 'evaluate',
    inputs: { inputs: { shape, dtype: 'int32' }, targets: { shape, dtype: 'int32' } },
    variables,
    program: (inputs, values) => ({
      outputs: { nll: model.negativeLogLikelihood(inputs.inputs!, inputs.targets!, parameters(values)) }, // [batch, block]
    }),
  });
  const inputs = new Int32Array(batch * block);
  const targets = new Int32Array(batch * block);
  const windows = evaluationWindows(reader.length, { window: block }).slice(0, batches * batch);

  /** Fills a row with a window and zeros after it; returns how many of its positions are real (0 without a window). */
  const fill = (row: number, index: number): number => {
    const { start, count } = windows[index] ?? { start: 0, count: 0 };
    const from = row * block;
    inputs.fill(0, from + count, from + block);
    targets.fill(0, from + count, from + block);
    reader.read(start, count, inputs, from);
    reader.read(start + 1, count, targets, from);
    return count;
  };

  const perplexity = async (signal: AbortSignal): Promise<number | undefined> => {
    let sum = 0;
    let scored = 0;
    const counts = new Array<number>(batch);
    for (let first = 0; first < windows.length; first += batch) {
      if (signal.aborted) return undefined;
      for (let row = 0; row < batch; row++) counts[row] = fill(row, first + row);
      const { nll } = await program.run({ inputs, targets });
      for (const [row, count] of counts.entries()) {
        for (let i = row * block; i < row * block + count; i++) sum += nll![i]!;
        scored += count;
      }
    }
    return Math.exp(sum / scored);
  };
  return {
    perplexity,
    async measure(signal) {
      const found = await perplexity(signal);
      return found === undefined ? undefined : { perplexity: found };
    },
    dispose: () => program.dispose(),
  };
}
