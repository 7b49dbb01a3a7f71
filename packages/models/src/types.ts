/**
 * A language model is a set of named parameters and pure functions over them. Weight matrices are stored
 * [in, out] (x @ W), names are flat with dots: `embed.weight`, `positions.weight`, `layers.0.attention.q.weight`.
 */
import type { Attention, ParameterSpec, RotaryOptions, Rotation, StateSpec, StateUpdate } from '@t2r/attention';
import type { ComponentSpec } from '@t2r/core';
import type { DropoutSource, TensorMap } from '@t2r/engine';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Sinusoids } from './positions.js';

/** The vocabulary in bands of decreasing width, tokens sorted by frequency (Baevski & Auli 2019). */
export interface AdaptiveConfig {
  /** First token of each band after the first. */
  cutoffs: number[];
  /** Band i has vectors of dim / factor^i. */
  factor: number;
  /** Tails of the output use the input's projections, transposed; with tied outputs alone. */
  tieProjections: boolean;
  /** In training, on the output layer's input and after the projections of its tails. */
  dropout: number;
}

export interface LmConfig {
  use: 'decoder-lm';
  vocab: number;
  layers: number;
  dim: number;
  heads: number;
  ffn: number;
  /** gelu is the exact one with erf, gelu-new its tanh approximation. */
  activation: 'relu' | 'gelu' | 'gelu-new' | 'silu';
  norm: 'pre' | 'post';
  positions: 'learned' | 'sinusoidal' | 'rotary' | 'none';
  /** Longest position of learned positions; the block size that training assumes otherwise. */
  maxPositions: number;
  /** Output projection is the transposed embedding; with `adaptive`, of every band. */
  tieOutput: boolean;
  /** Embeddings are multiplied by sqrt(dim), and drawn from N(0, 1/dim), as in fairseq. Advised with sinusoidal positions. */
  scaleEmbedding: boolean;
  dropout: number;
  attentionDropout: number;
  activationDropout: number;
  /** Standard deviation of the normal initialisation of matrices and embeddings. */
  initStd: number;
  /** How parameters start; absent: normal. */
  init?: 'normal' | 'fairseq';
  /** With `init: fairseq`, q, k, v and out have gain initScale^-0.5; absent: 2^-0.5 for q, k, v and 1 for out. */
  initScale?: number;
  /** Adaptive input embeddings and adaptive softmax; absent: one table and one softmax. */
  adaptive?: AdaptiveConfig;
  /** Whether a norm follows the last pre-norm layer; absent: it does. */
  finalNorm?: boolean;
  /** A norm on embeddings with their positions, before dropout; absent: none. */
  embeddingNorm?: boolean;
  /** Width of a head; absent: dim / heads. */
  headDim?: number;
  /** Heads of keys and values (grouped-query attention), each for heads / kvHeads heads of queries; absent: heads. */
  kvHeads?: number;
  /** Layer norms or root mean square norms; absent: layer. */
  normKind?: 'layer' | 'rms';
  /** Added to the variance in norms; absent: 1e-5. */
  normEpsilon?: number;
  /** Attention and feed-forward block side by side (GPT-NeoX), with norm: pre; absent: one after the other. */
  parallelResidual?: boolean;
  /** Feed-forward blocks fc2(activation(gate(x)) * fc1(x)); absent: fc2(activation(fc1(x))). */
  gated?: boolean;
  /** Which linear layers have biases; absent: all. */
  biases?: { qkv?: boolean; out?: boolean; ffn?: boolean };
  /** A bias on the scores of tokens; absent: none. */
  outputBias?: boolean;
  /** Width of the token table, with projections to dim and back (OPT); absent: dim, without projections. */
  embedDim?: number;
  /** Number of the first position of learned or sinusoidal ones: 2 in OPT and fairseq; absent: 0. A learned table has
   * maxPositions rows more than that. */
  positionOffset?: number;
  /** Layout and frequencies of sinusoidal positions; absent: tensor2tensor. */
  sinusoids?: Sinusoids;
  /** With positions: rotary; absent parts: base 10000, fraction 1, halves, no scaling. */
  rotary?: Partial<RotaryOptions>;
  /** Probability that training skips a layer for a whole batch (LayerDrop, Fan et al. 2020); absent: 0. */
  layerDrop?: number;
  /** One per layer. */
  attention: ComponentSpec[];
}

/** Weights on the host by name, row-major float32, as checkpoints hold them. */
export type Weights = Record<string, { shape: number[]; data: Float32Array }>;

/** What the attention of one layer made of its input in a forward pass. */
export interface ObservedAttention {
  /** Queries [batch, heads, time, headDim], keys and values [batch, kvHeads, time, headDim]; before any rotation. */
  q: Tensor;
  k: Tensor;
  v: Tensor;
  /** Rotary positions of q and k, where the model has them. */
  rotation?: Rotation;
  /** What they are projections of, [batch, time, dim]. */
  input: Tensor;
  /** Before heads are merged and projected, [batch, heads, time, headDim]. */
  output: Tensor;
}

export interface ForwardOptions {
  /** Given in training: dropout is on. */
  dropout?: DropoutSource;
  /** Keep the inputs of layers alone until the backward pass, which computes the rest again; of self-attention without `observe`. */
  recompute?: boolean;
  /** Told of the attention of every layer, from the input upwards. */
  observe?: (layer: number, attention: ObservedAttention) => void;
}

export interface LanguageModel {
  readonly config: LmConfig;
  readonly attention: readonly Attention[];
  /** All parameters in a fixed order. */
  parameters(): ParameterSpec[];
  /** ids [B,T] int32 -> last hidden states after the final norm, [B,T,dim]. */
  hidden(ids: Tensor, parameters: TensorMap, options?: ForwardOptions): Tensor;
  /** [.., dim] -> [.., vocab]; with an adaptive softmax these are log-probabilities. */
  logits(hidden: Tensor, parameters: TensorMap): Tensor;
  /**
   * Mean cross-entropy in nats over targets [B,T] int32, weighted by `weights` [B,T] (0 = not scored) when given;
   * with `labelSmoothing` e: (1-e) * nll + e/V * sum(-log p).
   */
  loss(
    ids: Tensor,
    targets: Tensor,
    parameters: TensorMap,
    options?: ForwardOptions & { labelSmoothing?: number; weights?: Tensor },
  ): Tensor;
  /** Sum of -log p(target) per position, [B,T], without dropout or smoothing: what perplexity is made of. */
  negativeLogLikelihood(ids: Tensor, targets: Tensor, parameters: TensorMap): Tensor;
  /** Recurrent state of all layers, names prefixed `layers.N.`; `capacity` is for growing caches. */
  state(batch: number, capacity: number): StateSpec[];
  /** True when no layer's state grows. */
  readonly recurrent: boolean;
  /** Bytes of float32 state one sequence needs at a position. */
  stateBytes(position: number): number;
  /**
   * One position: ids [B] int32, position int32 scalar, or [B] where every sequence is at its own. `parameters` are those of
   * `stepWeights`.
   * Returns logits [B,vocab] and the new state. With learned positions the caller keeps position < maxPositions.
   */
  step(ids: Tensor, position: Tensor, state: TensorMap, parameters: TensorMap, options: StepOptions): DecodeResult;
  /**
   * ids [B,T] right-padded, `position` as in `step`, `count` int32 scalar real positions: logits [B,vocab] after the last
   * real one, and state.
   * Equals `count` steps. `parameters` are those of `stepWeights` too, so that one set of weights serves both programs.
   * A growing cache needs room for position + T rows.
   */
  prefill(
    ids: Tensor,
    position: Tensor,
    count: Tensor,
    state: TensorMap,
    parameters: TensorMap,
    options: StepOptions,
  ): DecodeResult;
  /**
   * Weights of `step` and `prefill`: q, k and v of a layer as one matrix `layers.N.attention.qkv.weight`, with feature maps
   * folded in where the variant can (paper, Eq. 8) and no rotation stands between; everything else is passed on without a
   * copy.
   */
  stepWeights(parameters: Record<string, Float32Array>): Weights;
}

export interface StepOptions {
  /** Name of the program input that holds the position. */
  positionInput: string;
}

export interface DecodeResult {
  logits: Tensor;
  /** New values by state name, `layers.N.` prefixed. */
  state: Record<string, StateUpdate>;
}
