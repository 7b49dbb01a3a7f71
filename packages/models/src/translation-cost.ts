/** What translating costs, from a model's configuration alone: floating-point operations (a multiply-add is two). */
import type { StateSpec } from '@t2r/attention';
import { sizeOf } from '@t2r/engine';
import type { TranslationModel } from './translation-types.js';

/** Tables that tokens and positions are looked up in. */
const isTable = (name: string) => /^((en|de)coder\.)?(embed|positions)\.weight$/.test(name);

/** What of cross-attention is multiplied with the source: projections to keys and values, and the feature map of keys. */
const ofSource = (name: string) => /\.cross\.(k|v|phi.*)\.weight$/.test(name) && !name.endsWith('.phi.query.weight');
/** What of it is multiplied with the target; a map that queries and keys share is in both. */
const ofTarget = (name: string) => !/\.cross\.(k|v|phi\.key)\.weight$/.test(name);

/** Weights that one token is multiplied with: matrices, without embedding tables, that `counts` says yes to. */
function multiplied(model: TranslationModel, counts: (name: string) => boolean): number {
  const matrices = model.parameters().filter(({ name, decay = true }) => decay && !isTable(name) && counts(name));
  return matrices.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

const elements = (specs: readonly StateSpec[]) => specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/**
 * Operations to encode a source of that many tokens and to make the state of cross-attention: 2 per weight and token, the
 * encoder's attention over all pairs of tokens (keys and values once each), and a multiply-add per token and element of a
 * state of fixed size.
 */
export function encodingFlops(model: TranslationModel, sourceLength: number): number {
  const { dim, encoder } = model.config;
  const weights = multiplied(model, (name) => name.startsWith('encoder.') || ofSource(name));
  const pairs = 4 * encoder.layers * dim * sourceLength ** 2;
  const longer = new Map(model.crossStateSpecs(1, sourceLength + 1).map((spec) => [spec.name, sizeOf(spec.shape)]));
  const fixed = model.crossStateSpecs(1, sourceLength).filter(({ name, shape }) => longer.get(name) === sizeOf(shape));
  return 2 * weights * sourceLength + pairs + 2 * elements(fixed) * sourceLength;
}

/**
 * Operations to decode the target's token at `position` of a source of that length: 2 per multiplied weight; self-attention
 * reads and updates its state (4 per element), or reads its cache (2 per element); cross-attention reads (2 per element).
 */
export function translatingFlops(model: TranslationModel, position: number, sourceLength: number): number {
  const { vocab, dim, tieOutput } = model.config;
  const weights = multiplied(model, (name) => name.startsWith('decoder.') && ofTarget(name));
  const output = tieOutput ? vocab * dim : 0;
  const own = model.state(1, position).reduce((sum, { shape, grows }) => sum + (grows ? 2 : 4) * sizeOf(shape), 0);
  return 2 * (weights + output) + own + 2 * elements(model.crossStateSpecs(1, sourceLength));
}

/**
 * Operations to train on one pair of sentences: three times the forward pass, in which the average token of the target has
 * half of it before it.
 */
export function translationTrainingFlops(model: TranslationModel, sourceLength: number, targetLength: number): number {
  const target = targetLength * translatingFlops(model, targetLength / 2, sourceLength);
  return 3 * (encodingFlops(model, sourceLength) + target);
}
