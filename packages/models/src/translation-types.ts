/**
 * An encoder-decoder model for translation: the encoder reads the source with softmax attention in both directions, the
 * decoder is a language model whose layers also read what the encoder made of the source. Parameters of the two are those
 * of a `decoder-lm` below `encoder.` and `decoder.`; the decoder's cross-attention is `decoder.layers.N.cross`, its norm
 * `decoder.layers.N.cross_norm`, and a table of tokens that both share is `embed.weight`.
 */
import type { Attention, ParameterSpec, StateSpec } from '@t2r/attention';
import type { ComponentSpec } from '@t2r/core';
import type { DropoutSource, TensorMap } from '@t2r/engine';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Sinusoids } from './positions.js';
import type { DecodeResult, LmConfig, StepOptions, Weights } from './types.js';

/** What encoder and decoder may have each their own. */
export interface StackConfig {
  layers: number;
  heads: number;
  ffn: number;
  /** Probability that training skips a layer for a whole batch (LayerDrop); absent: 0. */
  layerDrop?: number;
}

/** Token ids that a trained decoder expects, where its tokenizer does not tell. */
export interface TranslationTokens {
  /** What the decoder's first input is. */
  start: number;
  /** What ends source and target. */
  end: number;
  /** What fills rows up; masks and weights keep it from having any effect. */
  padding: number;
}

export interface TranslationConfig {
  use: 'encoder-decoder';
  /** Tokens of the target. */
  vocab: number;
  /** Tokens of the source; absent: `vocab`. With `shareEmbeddings` they are the same. */
  sourceVocab?: number;
  dim: number;
  encoder: StackConfig;
  decoder: StackConfig;
  activation: LmConfig['activation'];
  norm: LmConfig['norm'];
  /** Whether a norm follows the last pre-norm layer of each stack; absent: it does. */
  finalNorm?: boolean;
  /** A norm on embeddings with their positions, before dropout, in both stacks (BART); absent: none. */
  embeddingNorm?: boolean;
  /** Layer norms or root mean square norms; absent: layer. */
  normKind?: LmConfig['normKind'];
  /** Added to the variance in norms; absent: 1e-5. */
  normEpsilon?: number;
  /** Feed-forward blocks fc2(activation(gate(x)) * fc1(x)); absent: fc2(activation(fc1(x))). */
  gated?: boolean;
  /** Which linear layers have biases, in all attentions alike; absent: all. */
  biases?: LmConfig['biases'];
  positions: 'learned' | 'sinusoidal' | 'none';
  /** Longest position of learned positions, source and target alike; the length that plans assume otherwise. */
  maxPositions: number;
  /** Number of the first position: 2 in fairseq and BART; absent: 0. Learned tables have that many rows more. */
  positionOffset?: number;
  /** Layout and frequencies of sinusoidal positions; absent: tensor2tensor. */
  sinusoids?: Sinusoids;
  /** One table of tokens for source and target. */
  shareEmbeddings: boolean;
  /** The output projection is the transposed table of the target. */
  tieOutput: boolean;
  /** A bias on the scores of tokens (final_logits_bias of Marian and BART); absent: none. */
  outputBias?: boolean;
  /** Embeddings are multiplied by sqrt(dim), and drawn from N(0, 1/dim). */
  scaleEmbedding: boolean;
  dropout: number;
  attentionDropout: number;
  activationDropout: number;
  /** Standard deviation of the normal initialisation of matrices and embeddings. */
  initStd: number;
  /** How parameters start; absent: normal. */
  init?: LmConfig['init'];
  /** With `init: fairseq`, q, k, v and out of the decoder have gain initScale^-0.5. */
  initScale?: number;
  /** Self-attention of the decoder, one per layer. The encoder's is softmax. */
  attention: ComponentSpec[];
  /** Cross-attention of the decoder, one per layer. */
  cross: ComponentSpec[];
  /** Absent: the tokenizer's. */
  tokens?: TranslationTokens;
}

/** The configuration of any model; `use` tells which. */
export type ModelConfig = LmConfig | TranslationConfig;

/** What the decoder reads: a batch of encoded sources, padded on the right. */
export interface EncodedSource {
  /** Hidden states of the encoder, [B,S,dim]; those of padding do not matter. */
  memory: Tensor;
  /** [B,S] float32: 1 for tokens, 0 for padding. */
  mask: Tensor;
}

export interface TranslationOptions {
  /** Given in training: dropout is on, and what attention variants draw is drawn anew. */
  dropout?: DropoutSource;
}

/** Sources and targets in, losses and scores out; and the target token by token. B is a batch, S a source's length, T a target's. */
export interface TranslationModel {
  readonly config: TranslationConfig;
  /** Self-attention of the decoder's layers. */
  readonly attention: readonly Attention[];
  /** Cross-attention of the decoder's layers. */
  readonly cross: readonly Attention[];
  /** All parameters in a fixed order. */
  parameters(): ParameterSpec[];
  /** source [B,S] int32 padded on the right, mask [B,S] float32 (1 for tokens) -> memory [B,S,dim]. */
  encode(source: Tensor, mask: Tensor, parameters: TensorMap, options?: TranslationOptions): Tensor;
  /** Inputs of the decoder [B,T] int32, padded on the right -> its last hidden states after the final norm, [B,T,dim]. */
  hidden(ids: Tensor, source: EncodedSource, parameters: TensorMap, options?: TranslationOptions): Tensor;
  /** [.., dim] -> [.., vocab] */
  logits(hidden: Tensor, parameters: TensorMap): Tensor;
  /**
   * Mean cross-entropy in nats over targets [B,T] int32 (the inputs one position later), weighted by `weights` [B,T]
   * (0 = padding) when given; with `labelSmoothing` e: (1-e) * nll + e/V * sum(-log p). Encode the source with the same
   * `dropout`.
   */
  loss(
    ids: Tensor,
    targets: Tensor,
    source: EncodedSource,
    parameters: TensorMap,
    options?: TranslationOptions & { labelSmoothing?: number; weights?: Tensor },
  ): Tensor;
  /** -log p(target) per position, [B,T], without dropout or smoothing. */
  negativeLogLikelihood(ids: Tensor, targets: Tensor, source: EncodedSource, parameters: TensorMap): Tensor;
  /**
   * State that changes with every target token, named as that of a `decoder-lm` below `decoder.`; `capacity` is for growing
   * caches. Axis 0 of every tensor is the batch, and rows do not depend on each other: hypotheses may be reordered by
   * gathering along it.
   */
  state(batch: number, capacity: number): StateSpec[];
  /**
   * State that is made once of the source and then only read, `decoder.layers.N.cross.*`, axis 0 the batch as well. For
   * linear attention [S | z], [B,H,k,d+1], whatever the length of the source; for softmax k and v [B,H,S,d] and mask
   * [B,S].
   */
  crossStateSpecs(batch: number, sourceLength: number): StateSpec[];
  /** The values of `crossStateSpecs`. `parameters` are those of `stepWeights`. */
  crossState(source: EncodedSource, parameters: TensorMap): TensorMap;
  /** True when no state grows with the target. That of softmax cross-attention is as long as the source. */
  readonly recurrent: boolean;
  /** Bytes of float32 state one hypothesis needs at a position of the target, that made of the source included. */
  stateBytes(position: number, sourceLength: number): number;
  /**
   * One position of the target: ids [B] int32, position int32 scalar (0 for the start token); `state` holds the tensors of
   * `state` and of `crossStateSpecs`, `parameters` are those of `stepWeights`. Returns logits [B,vocab] and the new values
   * of `state`. With learned positions the caller keeps position < maxPositions. The tensors of `crossStateSpecs` may have
   * fewer rows than there are ids: each then serves B / rows of them in a row, such as the hypotheses of one source.
   */
  step(ids: Tensor, position: Tensor, state: TensorMap, parameters: TensorMap, options: StepOptions): DecodeResult;
  /**
   * Several positions at once, for forced prefixes: ids [B,T] right-padded, `count` int32 scalar real positions. Equals
   * `count` steps; the logits are those after the last real one. A growing cache needs room for position + T rows.
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
   * Weights of `encode`, `crossState`, `step` and `prefill`: in the decoder's layers q, k and v of self-attention as one
   * matrix `attention.qkv`, k and v of cross-attention as one matrix `cross.kv`, with feature maps folded in where the
   * variant can (paper, Eq. 8). Everything else is passed on without a copy.
   */
  stepWeights(parameters: Record<string, Float32Array>): Weights;
}
