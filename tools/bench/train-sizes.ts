/** Training over models from one to 120 million parameters and sequences of 256 to 4,096 tokens, each in a process of its own. */
import { totalmem } from 'node:os';
import type { BenchCase, Sizes } from './cases.js';
import { ownFigure } from './child-figure.js';
import { plannedMemory, TRAINED_ATTENTION } from './train.js';

type Shape = Pick<Sizes, 'layers' | 'dim' | 'heads' | 'ffn' | 'vocab'>;

const SHAPES: Shape[] = [
  { layers: 2, dim: 128, heads: 4, ffn: 512, vocab: 4096 },
  { layers: 4, dim: 256, heads: 4, ffn: 1024, vocab: 8192 },
  { layers: 6, dim: 512, heads: 8, ffn: 2048, vocab: 16384 },
  { layers: 12, dim: 768, heads: 12, ffn: 3072, vocab: 50257 },
];
const LENGTHS = [256, 1024, 4096];
/** Tokens of a step, however many sequences they make. */
const STEP_TOKENS = 4096;
const WAYS = ['train', 'train-t2r-quadratic', 'train-t2r-chunked'] as const;
/** What would take a larger share of the machine's memory is not run. */
const MEMORY_SHARE = 0.75;

/** A figure for every shape, length and way; one line on stderr for what does not fit the machine. */
export const trainSizes: BenchCase = async function* (sizes, options) {
  for (const shape of SHAPES) {
    for (const tokens of LENGTHS) {
      for (const way of WAYS) {
        const own: Sizes = { ...sizes, ...shape, tokens, batch: STEP_TOKENS / tokens };
        const planned = plannedMemory(own, { attention: TRAINED_ATTENTION[way](own) });
        if (planned > MEMORY_SHARE * totalmem()) {
          const needs = `${(planned / 2 ** 30).toFixed(0)} GiB planned, ${(totalmem() / 2 ** 30).toFixed(0)} GiB here`;
          console.error(`left out: ${way}, ${shape.layers} layers of ${shape.dim}, ${tokens} tokens: ${needs}`);
          continue;
        }
        yield (await ownFigure(way, own, options)).figure;
      }
    }
  }
};
