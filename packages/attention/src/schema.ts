/** Options of the attention components, as recipes write them. */
import { z } from 'zod';
import { DEFAULT_CHUNK } from './linear.js';

/** `{ use: softmax }` */
export const softmaxSchema = z.strictObject({});

/** `{ use: t2r-mlp, features: 32 }` */
export const t2rMlpSchema = z.strictObject({
  features: z
    .int()
    .min(1)
    .default(32)
    .describe('Features per head, k in the paper; the size of the state is k x (headDim + 1).'),
  activation: z
    .enum(['relu', 'gelu', 'tanh'])
    .default('relu')
    .describe('Elementwise function after the affine map; relu in the paper.'),
  bias: z.boolean().default(true).describe('Whether the feature map has a bias.'),
  epsilon: z.number().positive().default(1e-2).describe('Lower bound of the denominator.'),
  form: z
    .enum(['auto', 'quadratic', 'chunked'])
    .default('auto')
    .describe('How training computes it: quadratic for short sequences and attention dropout, chunked for long ones.'),
  chunk: z.int().min(1).default(DEFAULT_CHUNK).describe('Positions per chunk of the chunked form and of prompts.'),
});
