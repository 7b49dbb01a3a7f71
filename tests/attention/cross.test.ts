/** Cross-attention of every variant: a state made once and read = the parallel form, with padding and fused weights too. */
import type { Attention } from '@t2r/attention';
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from './compare.js';
import { createSample, fusedWeights, projections, type Sample } from './forms.js';
import { registry, VARIANTS } from './variants.js';

const SIZE = { batch: 2, heads: 4, time: 11, headDim: 6 };
/** Real positions of each row. */
const LENGTHS = [11, 7];

const mask = Float32Array.from({ length: 22 }, (_, i) => (i % 11 < LENGTHS[Math.floor(i / 11)]! ? 1 : 0));

type Form = 'parallel' | 'state' | 'fused';

/** Every position as a query of all positions that are not padding, [B,H,T,d]. */
async function run(engine: Engine, attention: Attention, sample: Sample, form: Form): Promise<Float32Array> {
  const { x } = sample.tensors;
  const weights = form === 'fused' ? fusedWeights(attention, sample) : sample.tensors;
  const constants: Sample['tensors'] = { ...weights, ...sample.parameters };
  delete constants.x;
  const program = await engine.compile({
    name: form,
    inputs: { x: x!, mask: { shape: [2, 11] } },
    constants,
    program: (inputs, all) => {
      const [q, k, v] = projections(sample, inputs.x!, all);
      const keyMask = inputs.mask!;
      const cross = attention.cross!;
      if (form === 'parallel') {
        return { outputs: { y: attention.parallel(q, k, v, all, { causal: false, keyMask, input: inputs.x! }) } };
      }
      const state = form === 'fused' ? cross.fusedPrepare!(k, v, keyMask) : cross.prepare(k, v, keyMask, all);
      const y = form === 'fused' ? cross.fusedRead!(q, state) : cross.read(q, state, all);
      const specs = cross.state(sample, 2, 11).map(({ name: tensor, shape }) => ({ name: tensor, shape }));
      expect(Object.entries(state).map(([name, tensor]) => ({ name, shape: tensor.shape }))).toEqual(specs);
      return { outputs: { y } };
    },
  });
  const { y } = await program.run({ x: x!.data, mask });
  await program.dispose();
  return y as Float32Array;
}

const attentions = VARIANTS.map(([name, spec]) => [name, registry.create('attention', spec)] as const);

describe.each(['cpu', 'onnx'] as const)('cross-attention on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  const having = attentions.filter(([, { cross }]) => cross !== undefined);
  it.each(having)(
    '%s: reading the state = parallel, also with a head of keys for two of queries',
    async (_, variant) => {
      for (const kvHeads of [4, 2]) {
        const sample = createSample(variant, { ...SIZE, kvHeads });
        const parallel = await run(engine, variant, sample, 'parallel');
        expect(parallel.some((value) => Math.abs(value) > 0.1)).toBe(true);
        expect(relativeMaximum(await run(engine, variant, sample, 'state'), parallel)).toBeLessThanOrEqual(1e-6);
        if (variant.fuse === undefined) continue;
        // Features of gelu have either sign: their denominators are small differences of larger sums, which lose digits.
        const tolerance = variant.options.activation === 'gelu' ? 1e-4 : 1e-5;
        expect(relativeMaximum(await run(engine, variant, sample, 'fused'), parallel)).toBeLessThanOrEqual(tolerance);
      }
    },
  );
});

it('is left out by variants whose attention belongs to one sequence', () => {
  const without = attentions.filter(([, { cross }]) => cross === undefined).map(([variant]) => variant);
  expect(without).toEqual([
    'random features, input gate',
    'random features, recency gate',
    't2r, recency gate',
    'hedgehog, recency gate',
    'hedgehog, input gate',
    't2r-norm with decay',
    'softmax over a window',
    'softmax over a window longer than the text',
    'window and hedgehog',
    'window and t2r, affine',
    'window and random features',
  ]);
});
