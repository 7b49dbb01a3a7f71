/** Peak resident memory of training a language model, estimated from sizes alone; docs/performance.md holds it against measurements. */
import type { ComponentSpec } from '@t2r/core';
import { chunkRows, queryBlocks } from '@t2r/engine';
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

/** Variants whose feature map is folded into the projections, where queries are not rotated before it. */
const FOLDED: ReadonlySet<string> = new Set(['t2r-mlp', 'hedgehog']);

interface AttentionNumbers {
  /** Numbers a token that a layer keeps for the backward pass, besides queries, keys, values and the output. */
  kept: number;
  /** Numbers a token that live while the layer's gradient is computed, and no longer. */
  passing: number;
}

/** What attention of one layer takes. Tables of scores were fitted to measurements, 256 to 4,096 positions and 2 to 6 layers. */
function attentionNumbers(
  spec: ComponentSpec,
  { heads, kvHeads = heads, dim, headDim = dim / heads, positions }: LmConfig,
  block: number,
): AttentionNumbers {
  const table = heads * block;
  if (spec.use === 'softmax') {
    // Of the scores those of each block of queries with the keys up to its end.
    const scored = queryBlocks(block, heads / kvHeads).reduce((sum, { start, end }) => sum + (end - start) * end, 0);
    return { kept: (heads * scored) / block, passing: 1.5 * table };
  }
  const {
    form,
    features = headDim,
    window,
  } = spec as ComponentSpec & Partial<Record<'features' | 'window', number>> & { form?: string };
  if (spec.use === 'softmax-window') return { kept: 2 * heads * Math.min(block, 2 * (window ?? block)), passing: 0 };
  const quadratic = form === 'quadratic' || (form !== 'chunked' && block <= QUADRATIC_LIMIT);
  if (quadratic) return { kept: table, passing: 3 * table };
  // With the feature map folded into the projections there are no queries and keys, which 13 vectors a token count.
  if (FOLDED.has(spec.use) && positions !== 'rotary') return { kept: 2 * heads * features, passing: 0 };
  return { kept: heads * (CHUNK + 4 * features + 2 * headDim), passing: 0 };
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
  const ofAttention = attention.map((spec) => attentionNumbers(spec, config, block));
  const ofLayer = ofAttention.map(({ kept }) => 13 * dim + (gated ? 3 : 1) * ffn + kept);
  const stored = recompute ? layers * dim + Math.max(...ofLayer) : ofLayer.reduce((sum, numbers) => sum + numbers, 0);
  const kept = stored + Math.max(...ofAttention.map(({ passing }) => passing));
  const tokens = batch * block;
  // The scores of a chunk of rows, and the gradient of the table that they come from.
  const scores = logits ? (chunkRows(tokens, dim, vocab) + dim) * vocab : 0;
  return PROCESS_BYTES + 4 * (variables + packed + Math.max(tokens * kept + scores, trained));
}
