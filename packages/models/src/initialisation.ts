/** How the matrices and biases of a model start: plainly normal, or as fairseq draws them. */
import type { Initializer } from '@t2r/attention';
import type { LmConfig } from './types.js';

/** A linear layer's. */
interface AffineInit {
  weight: Initializer;
  bias: Initializer;
}

/** All of a model's but norms, adaptive tables and what an attention variant adds, which have only one way to start. */
export interface Initialisation {
  /** Whole table of tokens. */
  embedding: Initializer;
  /** Learned positions. */
  positions: Initializer;
  /** Projections to queries, keys and values. */
  qkv: AffineInit;
  /** Projection after the heads. */
  out: AffineInit;
  fc1: AffineInit;
  fc2: AffineInit;
  /** Untied output. */
  output: Initializer;
}

const ZEROS: Initializer = { kind: 'zeros' };
const normal = (std: number): Initializer => ({ kind: 'normal', std });

/** Uniform with variance gain^2 * 2 / (from + to), after Glorot & Bengio 2010: PyTorch's xavier_uniform_. */
export const glorot = (from: number, to: number, gain = 1): Initializer => ({
  kind: 'uniform',
  bound: gain * Math.sqrt(6 / (from + to)),
});

/** Weights and biases both U(-1 / sqrt(from), 1 / sqrt(from)): PyTorch's nn.Linear of `from` inputs as it is. */
function torchLinear(from: number): AffineInit {
  const uniform: Initializer = { kind: 'uniform', bound: from ** -0.5 };
  return { weight: uniform, bias: uniform };
}

function plain({ dim, initStd, scaleEmbedding }: LmConfig): Initialisation {
  const matrix = normal(initStd);
  const affine = { weight: matrix, bias: ZEROS };
  return {
    // Multiplied by sqrt(dim), such embeddings are as large as the sinusoids that are added to them.
    embedding: scaleEmbedding ? normal(dim ** -0.5) : matrix,
    positions: matrix,
    qkv: affine,
    out: affine,
    fc1: affine,
    fc2: affine,
    output: matrix,
  };
}

/**
 * fairseq's decoder of July 2020, from which T2R's released code was made. Queries, keys and values are drawn with
 * gain 2^-0.5 and the output projection with gain 1 (modules/multihead_attention.py); T2R's linear attention draws all
 * four with gain init_scale^-0.5 (random_feature_attention/causal_attention.py). Biases of q, k and v, and the whole
 * feed-forward block, are nn.Linear's own (modules/transformer_layer.py: fairseq up to 0.9 had Glorot weights and zeros
 * there). Tables are N(0, 1 / dim).
 */
function fairseq({ dim, ffn, initScale }: LmConfig): Initialisation {
  const gain = initScale === undefined ? undefined : initScale ** -0.5;
  return {
    embedding: normal(dim ** -0.5),
    positions: normal(dim ** -0.5),
    qkv: { weight: glorot(dim, dim, gain ?? 2 ** -0.5), bias: torchLinear(dim).bias },
    out: { weight: glorot(dim, dim, gain ?? 1), bias: ZEROS },
    fc1: torchLinear(dim),
    fc2: torchLinear(ffn),
    output: normal(dim ** -0.5),
  };
}

/** The initialisation a model's configuration asks for. */
export function initialisation(config: LmConfig): Initialisation {
  return config.init === 'fairseq' ? fairseq(config) : plain(config);
}
