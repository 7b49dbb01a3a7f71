/** Runs `evaluate/perplexity`. */
import { type Metrics, type StepContext, type StepResult, UserError } from '@t2r/core';
import {
  checkSplit,
  type DocumentRange,
  openTokens,
  readDocuments,
  type TokenReader,
  type TokensData,
} from '@t2r/datasets';
import type { CompiledProgram, Engine, Variables, WeightFormat } from '@t2r/engine';
import { createGenerator } from '@t2r/generation';
import { buildLanguageModel } from '@t2r/models';
import { type Checkpoint, loadCheckpoint } from '@t2r/zoo';
import {
  formatPerplexityProtocol,
  type PerplexityProtocol,
  type PerplexityResult,
  perplexityMetrics,
  summarizePerplexity,
} from './perplexity-protocol.js';
import type { PerplexityOptions } from './perplexity-schema.js';
import { checkWindow } from './perplexity-step.js';
import { compileScoring, type ScoringShape, scoreTokens } from './score.js';
import { decodingScorer } from './score-decoding.js';

/** One line of the table: a checkpoint on a split. */
export interface PerplexityRow extends PerplexityResult {
  /** Step that made the checkpoint. */
  step: string;
  split: string;
}

/** What the step leaves as data. */
export interface PerplexityData {
  rows: PerplexityRow[];
  /** By split. */
  protocols: Record<string, PerplexityProtocol & { text: string }>;
}

/** Evaluates each checkpoint on each split. */
export async function runPerplexity(options: PerplexityOptions, context: StepContext): Promise<StepResult> {
  const { of, window, stride = window, batch } = options;
  const source = context.input(options.data);
  const data = source.data as TokensData;
  const readers = await openSplits(options, source.folder, data);
  const total = of.length * readers.reduce((sum, { targets }) => sum + targets, 0);
  const engine = await context.create('engine', context.engineSpec).open();
  const scorer = createScorer(engine, { batch, window }, options.weights);
  const metrics: Metrics = {};
  const rows: PerplexityRow[] = [];
  const protocols: PerplexityData['protocols'] = {};
  let done = 0;
  try {
    for (const ref of of) {
      const artifact = context.input(ref);
      const checkpoint = await loadCheckpoint(artifact.folder, {
        parameters: (config) => buildLanguageModel(config, context).parameters(),
      });
      checkFits(artifact.id, checkpoint, data, window);
      const program = await scorer.program(checkpoint, context);
      for (const { split, tokens, documents, targets } of readers) {
        if (targets < 1) throw new UserError(`split "${split}" has ${tokens.length} tokens; expected at least two`);
        const before = done;
        const {
          nats,
          scored,
          context: seen,
        } = await scoreTokens(program, tokens, {
          batch,
          window,
          stride,
          documents,
          signal: context.signal,
          onProgress: (count) => context.events.progress(before + count, { total, unit: 'tokens' }),
        });
        done += scored;
        const { bytes, start } = data.splits[split]!;
        const result = summarizePerplexity(nats, { scored, bytes });
        const { unit, vocab } = data;
        const apart = documents?.length;
        // Without a start, a first token has nothing before it, but is a token of the text.
        const firsts = start === undefined ? (apart ?? 1) : 0;
        const text = { bytes, start, documents: apart, tokens: targets + firsts };
        const protocol = { unit, vocab, window, stride, scored, context: seen, ...text, weights: options.weights };
        protocols[split] = { ...protocol, text: formatPerplexityProtocol(protocol) };
        rows.push({ step: artifact.id, split, ...result });
        Object.assign(metrics, perplexityMetrics(artifact.id, split, result));
        context.events.info(
          `${artifact.id}.${split}: perplexity ${result.perplexity.toFixed(2)}, ${result.bitsPerByte.toFixed(3)} bits per byte`,
        );
      }
    }
    for (const [split, { text }] of Object.entries(protocols)) context.events.info(`${split}: ${text}`);
  } finally {
    for (const { tokens } of readers) tokens.close();
    await scorer.dispose();
    await engine.dispose();
  }
  return { metrics, data: { rows, protocols } satisfies PerplexityData };
}

interface OpenSplit {
  split: string;
  tokens: TokenReader;
  /** Where they are scored each on its own. */
  documents?: DocumentRange[];
  /** Tokens to predict: all but the first, or the first of each document. */
  targets: number;
}

/** Opens the splits to evaluate on. */
async function openSplits(
  { splits, documents: kind }: PerplexityOptions,
  folder: string,
  data: TokensData,
): Promise<OpenSplit[]> {
  const opened: OpenSplit[] = [];
  for (const split of splits) {
    checkSplit(Object.keys(data.splits), split);
    const documents = kind === 'separate' ? await readDocuments(folder, split, data.splits[split]!) : undefined;
    const tokens = openTokens(folder, data, split);
    const lengths = documents?.map(({ length }) => length) ?? [tokens.length];
    const targets = lengths.reduce((sum, length) => sum + Math.max(0, length - 1), 0);
    opened.push({ split, tokens, documents, targets });
  }
  return opened;
}

/** Refuses tokens of another vocabulary, and windows longer than learned positions. */
function checkFits(id: string, { config: { model } }: Checkpoint, data: TokensData, window: number): void {
  if (data.vocab > model.vocab)
    throw new UserError(`${id} has a vocabulary of ${model.vocab}, the data one of ${data.vocab}`, {
      hint: 'Evaluate on tokens made with the tokenizer that the checkpoint was trained with.',
    });
  checkWindow(id, window, model);
}

/** The scoring program of one model structure at a time; the next checkpoint of the same structure only brings its weights. */
function createScorer(engine: Engine, shape: ScoringShape, format: WeightFormat = 'fp32') {
  let structure: string | undefined;
  let variables: Variables | undefined;
  let program: Pick<CompiledProgram, 'run' | 'dispose'> | undefined;
  const dispose = async () => {
    await program?.dispose();
    variables?.dispose();
  };
  return {
    async program({ config, weights }: Checkpoint, context: StepContext): Promise<Pick<CompiledProgram, 'run'>> {
      const wanted = JSON.stringify(config.model);
      if (format !== 'fp32') {
        await dispose();
        // The weights of decoding are others than those of training: feature maps are folded into them.
        const model = buildLanguageModel(config.model, context);
        const { batch } = shape;
        program = decodingScorer(
          createGenerator({ model, weights, engine, batch, dtype: format, capacity: shape.window }),
          shape,
        );
        return program;
      }
      if (program !== undefined && variables !== undefined && wanted === structure) {
        for (const [name, { data }] of Object.entries(weights)) variables.write(name, data);
        return program;
      }
      await dispose();
      variables = engine.variables(weights);
      program = await compileScoring(engine, buildLanguageModel(config.model, context), variables, shape);
      structure = wanted;
      return program;
    },
    dispose,
  };
}
