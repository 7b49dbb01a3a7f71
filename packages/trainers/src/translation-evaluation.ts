/** Held-out text while a translation model trains: perplexity of the given targets, and BLEU of a beam search. */
import { UserError } from '@t2r/core';
import type { EvaluationBatches, PairReader, PairsData } from '@t2r/datasets';
import type { Engine, Variables } from '@t2r/engine';
import { createBeamSearch, translationSearchModel } from '@t2r/generation';
import type { TranslationModel, Weights } from '@t2r/models';
import { loadTokenizer } from '@t2r/tokenizers';
import { corpusBleu } from 'sacrebleu-ts';
import type { HeldOut } from './evaluation.js';
import { pairArrays } from './pair-data.js';
import { createProgramTable } from './program-table.js';
import type { BleuOptions } from './translation-schema.js';

export interface TranslationEvaluationOptions {
  model: TranslationModel;
  reader: PairReader;
  data: PairsData;
  batches: EvaluationBatches;
  /** Default: no search. */
  bleu?: BleuOptions;
  /** The checkpoint's tokenizer file; needed for BLEU. */
  tokenizer?: string;
}

/** An evaluation of the parameters in `variables`. */
export async function translationEvaluation(
  engine: Engine,
  variables: Variables,
  { model, reader, data, batches, bleu, tokenizer }: TranslationEvaluationOptions,
): Promise<HeldOut> {
  const programs = createProgramTable((inputs) =>
    engine.compile({
      name: 'evaluate',
      memoryPattern: false,
      inputs,
      variables,
      program: ({ source, sourceMask, inputs: ids, targets }, values) => {
        const memory = model.encode(source!, sourceMask!, values); // [B,S,dim]
        const encoded = { memory, mask: sourceMask! };
        return { outputs: { nll: model.negativeLogLikelihood(ids!, targets!, encoded, values) } }; // [B,T]
      },
    }),
  );
  const translator = bleu && (await referencedTranslator(engine, variables, { model, reader, data, bleu, tokenizer }));

  const perplexity = async (signal: AbortSignal): Promise<number | undefined> => {
    let [sum, scored] = [0, 0];
    for (const batch of batches) {
      if (signal.aborted) return undefined;
      const { arrays, specs, tokens } = pairArrays(batch);
      // Which targets count is decided here, not in the graph.
      const { weights, ...fed } = arrays;
      const { weights: _, ...shapes } = specs;
      const { nll } = await (await programs.for({ specs: shapes })).run(fed);
      for (const [i, weight] of weights!.entries()) if (weight > 0) sum += nll![i]!;
      scored += tokens;
    }
    return Math.exp(sum / scored);
  };

  return {
    async measure(signal) {
      const found = await perplexity(signal);
      if (found === undefined || translator === undefined) return found === undefined ? found : { perplexity: found };
      const score = await translator(signal);
      return score === undefined ? undefined : { perplexity: found, bleu: score };
    },
    dispose: () => programs.dispose(),
  };
}

type TranslatorOptions = Required<Pick<TranslationEvaluationOptions, 'model' | 'reader' | 'data' | 'bleu'>> & {
  tokenizer?: string;
};

/** Sources of pairs with what stands before and after them. */
function sourceIds(reader: PairReader, { source: { start, end } }: PairsData, pair: number): Int32Array {
  const ids = new Int32Array(reader.sourceLengths[pair]! + 2);
  let at = 0;
  if (start !== undefined) ids[at++] = start;
  reader.readSource(pair, ids, at);
  at += reader.sourceLengths[pair]!;
  if (end !== undefined) ids[at++] = end;
  return ids.subarray(0, at);
}

/**
 * Translates the first sentences of the split and scores them against its targets, both as the tokenizer decodes them: good for
 * comparing one run's evaluations, not for print, where references are the text itself (evaluate/translation).
 */
async function referencedTranslator(
  engine: Engine,
  variables: Variables,
  { model, reader, data, bleu, tokenizer: path }: TranslatorOptions,
): Promise<(signal: AbortSignal) => Promise<number | undefined>> {
  if (path === undefined)
    throw new UserError('evaluate.bleu needs the tokenizer, and the checkpoint has none', {
      hint: 'Leave out bleu, or put a tokenizer.json into the checkpoint.',
    });
  const tokenizer = await loadTokenizer(path);
  const { sentences = reader.pairs, beam, lengthPenalty, maxTokens } = bleu;
  const pairs = Array.from({ length: Math.min(sentences, reader.pairs) }, (_, pair) => pair);
  const sources = pairs.map((pair) => sourceIds(reader, data, pair));
  const references = pairs.map((pair) => {
    const ids = new Int32Array(reader.targetLengths[pair]!);
    reader.readTarget(pair, ids, 0);
    return tokenizer.decode(ids);
  });
  const { start, end, pad: padding } = data.target;
  return async (signal) => {
    const weights: Weights = {};
    for (const { name, shape } of model.parameters())
      weights[name] = { shape, data: variables.read(name) as Float32Array };
    const tokens = { start, end, padding };
    const search = createBeamSearch({ engine, model: translationSearchModel(model, { engine, weights, tokens }) });
    try {
      const found = await search.search(sources, { beam, lengthPenalty, maxTokens, signal });
      const hypotheses = found.map(([best]) => tokenizer.decode(best?.ids ?? []));
      return corpusBleu(hypotheses, [references]).score;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      await search.dispose();
    }
  };
}
