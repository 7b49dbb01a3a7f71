/** Peak resident memory of training a language model, estimated from sizes alone; docs/performance.md holds it against measurements. */
import type { ComponentSpec } from '@t2r/core';
import { chunkRows } from '@t2r/engine';
import type { LmConfig } from '@t2r/models';

/** Node, TensorFlow.js, ONNX Runtime and what a small model's buffers leave between them. */
const PROCESS_BYTES = 180 * 2 ** 20;

/** Longest block for which `form: auto` is quadratic, and positions in a chunk otherwise. */
const [QUADRATIC_LIMIT, CHUNK] = [128, 64];

export interface TrainingMemoryOptions {
  config: LmConfig;
  /** Sequences in a batch, and tokens in a sequence. */
  batch: number;
  block: number;
  /** All parameters, those that are trained, and those of others such as a teacher. */
  parameters: number;
  trained: number;
  others: number;
  /** Tensors the optimizer keeps for each trained parameter. */
  slots: number;
  /** Gradients of several batches are summed. */
  accumulates: boolean;
  /** Whether the logits of a batch are made. */
  logits: boolean;
  /** Layers keep their inputs alone. */
  recompute: boolean;
}

/** Numbers a token that attention of one layer keeps for the backward pass, besides queries, keys, values and its output. */
function attentionNumbers(spec: ComponentSpec, { heads, dim, headDim = dim / heads }: LmConfig, block: number): number {
  if (spec.use === 'softmax') return heads * block;
  const {
    form,
    features = headDim,
    window,
  } = spec as ComponentSpec & Partial<Record<'features' | 'window', number>> & { form?: string };
  if (spec.use === 'softmax-window') return 2 * heads * Math.min(block, 2 * (window ?? block));
  const quadratic = form === 'quadratic' || (form !== 'chunked' && block <= QUADRATIC_LIMIT);
  if (quadratic) return 2 * heads * block;
  return heads * (CHUNK + 4 * features + 2 * headDim);
}

/**
 * Bytes at the peak: what lives all the time, and the larger of what the forward pass leaves to the backward pass and the
 * gradients, which take its place.
 */
export function trainingMemory(options: TrainingMemoryOptions): number {
  const { config, batch, block, parameters, trained, others, slots, accumulates, logits, recompute } = options;
  const { layers, dim, ffn, vocab, gated, attention } = config;
  // Parameters as read and as variables, slots, sums of the gradients of several batches. Variables are updated in place.
  const variables = 2 * parameters + others + trained * (slots + (accumulates ? 1 : 0));
  // Projections of queries, keys and values side by side.
  const packed = 3 * dim * dim * layers;
  // Inputs of norms and linear layers, queries, keys and values, the output of attention and their gradients: 13 vectors a token.
  const ofLayer = attention.map((spec) => 13 * dim + (gated ? 3 : 1) * ffn + attentionNumbers(spec, config, block));
  const kept = recompute ? layers * dim + Math.max(...ofLayer) : ofLayer.reduce((sum, numbers) => sum + numbers, 0);
  const tokens = batch * block;
  // The scores of a chunk of rows, and the gradient of the table that they come from.
  const scores = logits ? (chunkRows(tokens, dim, vocab) + dim) * vocab : 0;
  return PROCESS_BYTES + 4 * (variables + packed + Math.max(tokens * kept + scores, trained));
}
