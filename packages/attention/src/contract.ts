/**
 * The one contract of all attention variants. Tensors are TensorFlow.js tensors, `[batch, heads, time, headDim]`.
 * A variant is pure: its parameters come in by name, and its recurrent state goes in and comes out.
 */

import type {} from '@t2r/core';
import type { DropoutSource, RowUpdate } from '@t2r/engine';
import type { Tensor } from '@tensorflow/tfjs-core';

export interface AttentionShape {
  /** Heads of queries, and of the output. */
  heads: number;
  /** Width of a head's query and key (and value). */
  headDim: number;
  /** Heads of keys and values, each for heads / kvHeads heads of queries in a row; absent: heads. */
  kvHeads?: number;
  /** Width of the layer's input; absent: heads * headDim. */
  modelDim?: number;
}

/** Rotary positions of the tensors of one call. */
export interface Rotation {
  /** x [batch, heads, time, width] of any width, every position turned by its angle. Linear in x. */
  rotate(x: Tensor): Tensor;
}

/** How a parameter is drawn: a pure function of (seed, name). */
export type Initializer =
  | { kind: 'zeros' }
  | { kind: 'ones' }
  | { kind: 'normal'; std: number }
  /** U(-bound, bound). */
  | { kind: 'uniform'; bound: number }
  | { kind: 'constant'; value: number }
  /** Every matrix in the last two axes is an identity, cut off or filled up with zeros where it is not square. */
  | { kind: 'identity' };

export interface ParameterSpec {
  name: string;
  shape: number[];
  init: Initializer;
  /** False for parameters without weight decay (biases, norms). */
  decay?: boolean;
}

/** Parameters of one attention, by the names of its `parameters`. */
export type AttentionParameters = Record<string, Tensor>;

/** One tensor of a recurrent state. */
export interface StateSpec {
  name: string;
  shape: number[];
  /** True for a cache that grows with the text (softmax); its axis 2 is the capacity in positions. */
  grows?: boolean;
}

/** New value of a state tensor: whole, or rows written into a growing cache. */
export type StateUpdate = Tensor | RowUpdate;

export interface ParallelOptions {
  /** True: position t sees positions <= t. False: all (cross-attention). */
  causal: boolean;
  /** [batch, keys], 1 for real keys and 0 for padding; absent means all real. */
  keyMask?: Tensor;
  /** Dropout on the normalised attention weights in training. */
  dropout?: { source: DropoutSource; rate: number };
  /** Given in training, whatever the dropout: for what a variant draws anew at every step. */
  random?: DropoutSource;
  /** Rotary positions, where the model has them and the variant `rotatesFeatures`; q and k are not rotated then. */
  rotation?: Rotation;
  /** [batch, time, modelDim]: what q, k and v are projections of. Gates read it. */
  input?: Tensor;
}

/** What a recurrent call knows besides q, k, v. */
export interface RecurrentOptions {
  /** int32 scalar, or [batch] where every sequence is at its own: number of positions already in the state. */
  position: Tensor;
  /** Name of the program input that holds it, for row updates of growing caches. */
  positionInput: string;
  /** As in ParallelOptions, of the call's positions. */
  rotation?: Rotation;
  /** [batch, time, modelDim]: what q, k and v are projections of. Gates read it. */
  input?: Tensor;
  /** prefill only: int32 scalar, how many of the given positions are real; the rest is right padding and leaves the state alone. */
  count?: Tensor;
}

export interface RecurrentResult {
  /** [batch, heads, time, headDim] */
  output: Tensor;
  state: Record<string, StateUpdate>;
}

/** The similarity of a linear attention: sim(q, k) = query(q) . key(k). */
export interface FeatureMap {
  /** Features per head. */
  features(headDim: number): number;
  /**
   * What the map adds to the model, by name within one attention. `heads` are those of keys and values: with
   * grouped-query attention a map belongs to a head of keys and serves all heads of queries of its group.
   */
  parameters(shape: AttentionShape): ParameterSpec[];
  /**
   * What one pass needs besides its parameters, and hands to `query` and `key` among them: random projections, drawn anew
   * where `random` is given (training) and always the same where it is not.
   */
  draw?(shape: AttentionShape, random?: DropoutSource): AttentionParameters;
  /** x [B,kvHeads,rows,d] -> [B,kvHeads,rows,features], a row for each position of each head of the group; where queries are scaled, the map scales them. */
  query(x: Tensor, parameters: AttentionParameters): Tensor;
  key(x: Tensor, parameters: AttentionParameters): Tensor;
  /** Present where the map is affine up to an activation, and folds into the projections before it. */
  fusion?: {
    fuse(weights: FusableWeights): FusedWeights;
    /** The same in a graph, where the map's weights are parameters. */
    inGraph?: Pick<Folding, 'width' | 'fold'>;
    /** Of pre-activations made with fused weights; the same for queries and keys, -> [B,H,T,features]. */
    activation(x: Tensor): Tensor;
  };
}

/** Projections of queries and keys as tensors of a graph. */
export interface QueryKeyProjections {
  /** [modelDim, heads * width] */
  queryWeight: Tensor;
  /** [heads * width], absent for none. */
  queryBias?: Tensor;
  /** [modelDim, kvHeads * width] */
  keyWeight: Tensor;
  keyBias?: Tensor;
}

/**
 * The parallel form with the feature map folded into the projections (paper, Eq. 8) in every pass, with gradients for both: the
 * function is the same to rounding, and maps to few features make the product with all positions narrower.
 */
export interface Folding {
  /** Pre-activations of a head. */
  width(headDim: number): number;
  /** From projections to headDim columns a head to projections to `width` columns a head. Differentiable. */
  fold(projections: QueryKeyProjections, parameters: AttentionParameters): QueryKeyProjections;
  /** `Attention.parallel` from pre-activations, q [B,H,T,width] and k [B,kvHeads,S,width]. */
  parallel: Attention['parallel'];
}

/**
 * Attention to another sequence: a state is made of it once and read by all queries. Rows of the batch do not depend on each
 * other. Equals `parallel` with causal: false.
 */
export interface CrossAttention {
  /** What is kept of the other sequence; its `length` in positions matters only where all of it is kept (softmax). */
  state(shape: AttentionShape, batch: number, length: number): StateSpec[];
  /** k and v [B,kvHeads,S,d], keyMask [B,S] with 0 at padding -> values of `state`. */
  prepare(k: Tensor, v: Tensor, keyMask: Tensor, parameters: AttentionParameters): Record<string, Tensor>;
  /** q [B,H,T,d] -> [B,H,T,d] */
  read(q: Tensor, state: Record<string, Tensor>, parameters: AttentionParameters): Tensor;
  /** `prepare` from pre-activations made with fused weights (`Attention.fuse`): k [B,kvHeads,S,width], v [B,kvHeads,S,d]. */
  fusedPrepare?(k: Tensor, v: Tensor, keyMask: Tensor): Record<string, Tensor>;
  /** `read` from pre-activations made with fused weights: q [B,H,T,width] -> [B,H,T,d]. */
  fusedRead?(q: Tensor, state: Record<string, Tensor>): Tensor;
}

export interface Attention {
  /** Component name, e.g. 't2r-mlp'. */
  readonly name: string;
  /** Validated options, as they are stored in a checkpoint's config. */
  readonly options: Record<string, unknown>;
  /** True when the recurrent state has a fixed size. */
  readonly recurrent: boolean;
  /**
   * True where the variant itself applies rotary positions, to its features: it is given `rotation`, and q and k as they are.
   * Otherwise q and k come rotated, whatever the variant.
   */
  readonly rotatesFeatures?: boolean;
  /** The feature map of a linear attention, for variants that are made of another one's. */
  readonly featureMap?: FeatureMap;
  /** Cross-attention by a state; absent in variants whose attention belongs to one sequence: windows, gates and decays. */
  readonly cross?: CrossAttention;
  /** What the variant adds to the q, k, v and output projections. */
  parameters(shape: AttentionShape): ParameterSpec[];
  /** All positions at once; q [B,H,T,d], k and v [B,kvHeads,S,d] -> [B,H,T,d]. */
  parallel(q: Tensor, k: Tensor, v: Tensor, parameters: AttentionParameters, options: ParallelOptions): Tensor;
  /** For training, where the feature map is affine up to an activation. Not for queries and keys that are rotated before the map. */
  readonly folding?: Folding;
  /** The recurrent state; `capacity` (positions) matters only to growing caches. Initial values are zeros. */
  state(shape: AttentionShape, batch: number, capacity: number): StateSpec[];
  /** One position: q [B,H,1,d], k and v [B,kvHeads,1,d]. */
  step(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    state: Record<string, Tensor>,
    parameters: AttentionParameters,
    options: RecurrentOptions,
  ): RecurrentResult;
  /** Several positions on top of a state (chunked form): q [B,H,T,d], k and v [B,kvHeads,T,d]. Equals T steps. */
  prefill(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    state: Record<string, Tensor>,
    parameters: AttentionParameters,
    options: RecurrentOptions,
  ): RecurrentResult;
  /**
   * Inference weights with the feature map folded into the projections (paper, Eq. 8), when the variant has them: from
   * q/k projections [modelDim, heads * headDim] and biases to [modelDim, heads * width] and biases (kvHeads for k). Not
   * for queries and keys that are rotated before the map: the rotation would stand between the two.
   */
  fuse?(weights: FusableWeights): FusedWeights;
  /**
   * True where v comes to `fusedStep` and `fusedPrefill` as [v | 1], [B,kvHeads,T,d+1]. In a projection the ones are one more
   * column a head, with weights 0 and bias 1.
   */
  readonly fusedOnes?: boolean;
  /**
   * One position from pre-activations made with fused weights: qk [B,H + kvHeads,1,width], heads of queries first, and
   * v [B,kvHeads,1,d], or d+1 with `fusedOnes`.
   */
  fusedStep?(qk: Tensor, v: Tensor, state: Record<string, Tensor>, options: RecurrentOptions): RecurrentResult;
  /** Several positions from pre-activations made with fused weights, shapes as in `fusedStep` with T positions. */
  fusedPrefill?(qk: Tensor, v: Tensor, state: Record<string, Tensor>, options: RecurrentOptions): RecurrentResult;
}

/** Host-side (Float32Array, row-major) weights of one layer's q and k projections and feature map. */
export interface FusableWeights {
  shape: AttentionShape;
  modelDim: number;
  /** [modelDim, heads * headDim] */
  queryWeight: Float32Array;
  /** [heads * headDim] */
  queryBias: Float32Array;
  /** [modelDim, kvHeads * headDim] */
  keyWeight: Float32Array;
  keyBias: Float32Array;
  parameters: Record<string, Float32Array>;
}

export interface FusedWeights {
  /** Pre-activations per head. */
  width: number;
  /** [modelDim, heads * width] */
  queryWeight: Float32Array;
  queryBias: Float32Array;
  /** [modelDim, kvHeads * width] */
  keyWeight: Float32Array;
  keyBias: Float32Array;
}

declare module '@t2r/core' {
  interface ComponentKinds {
    attention: Attention;
  }
}
