/** What a model costs, from its configuration alone: parameters and floating-point operations (a multiply-add is two). */
import { sizeOf } from '@t2r/engine';
import { inputTable, tiesOf, vocabularyBands } from './adaptive.js';
import type { LanguageModel, LmConfig } from './types.js';

/** Number of parameters. */
export function parameterCount(model: Pick<LanguageModel, 'parameters'>): number {
  return model.parameters().reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** Tables that tokens and positions are looked up in, and what the output multiplies with that it shares with the input. */
function inputWeights(config: LmConfig): { lookedUp: string[]; shared: number } {
  const { vocab, dim, tieOutput, adaptive, embedDim = dim } = config;
  if (!adaptive) return { lookedUp: ['embed.weight', 'positions.weight'], shared: tieOutput ? vocab * embedDim : 0 };
  const bands = vocabularyBands(adaptive, vocab, dim);
  const tied = tiesOf(config);
  const tables = bands.reduce((sum, { size, width }) => sum + size * width, 0);
  const projections = bands.slice(1).reduce((sum, { width }) => sum + width * dim, 0);
  return {
    lookedUp: [...bands.map(({ index }) => inputTable(index)), 'positions.weight'],
    shared: (tied.tables ? tables : 0) + (tied.projections ? projections : 0),
  };
}

/** Weights that one token is multiplied with: all but biases, norms and embedding tables; a tied output counts. */
function multipliedWeights(model: LanguageModel): number {
  const { lookedUp, shared } = inputWeights(model.config);
  const matrices = model.parameters().filter(({ name, decay = true }) => decay && !lookedUp.includes(name));
  return matrices.reduce((sum, { shape }) => sum + sizeOf(shape), shared);
}

/**
 * Work of mixing positions, for the token at `position`. A fixed-size state is updated and read, a multiply-add per element
 * each: 4 per element. A cache is read twice, once by queries (keys) and once by weights (values), each element in one
 * multiply-add: 2 per element. With grouped-query attention every head of queries of a group reads what is kept once.
 */
export function mixingFlops(model: LanguageModel, position: number): number {
  const { heads, kvHeads = heads } = model.config;
  const reads = (2 * heads) / kvHeads;
  return model
    .state(1, position)
    .reduce((sum, { shape, grows }) => sum + (grows ? reads : 2 + reads) * sizeOf(shape), 0);
}

/**
 * Operations to decode the token at `position`: 2 per multiplied weight plus the mixing of positions. Counted on unfused
 * weights; fusing the feature map saves a little.
 */
export function decodingFlops(model: LanguageModel, position: number): number {
  return 2 * multipliedWeights(model) + mixingFlops(model, position);
}

/**
 * Operations to train on one token of a block: three times the forward pass (the backward pass is two of them), in which
 * the average token has half a block before it. Counts the linear form of linear attention, whichever form is used, and projections
 * and feature maps one after the other; folded (see projections.ts) they are a little less.
 */
export function trainingFlops(model: LanguageModel, block: number): number {
  return 3 * decodingFlops(model, block / 2);
}
