/** The paper's translation rows: what they plan to train is what the options of fairseq and the sizes of the paper describe. */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const folder = resolve(import.meta.dirname, '../../recipes/paper');

interface PlannedStep {
  id: string;
  key: string;
  parameters?: number;
  flops?: number;
  stateBytesPerSequence?: number;
}

interface Plan {
  name: string;
  gpu?: { name: string; hoursToRun: { float16: number } };
  steps: PlannedStep[];
}

async function plan(row: string, ...args: string[]): Promise<Plan> {
  const { code, out } = await runCli(['plan', join(folder, row), '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(out) as Plan;
}

const step = ({ steps }: Plan, id: string) => steps.find((one) => one.id === id)!;

/** transformer_vaswani_wmt_en_de_big as it stands in fairseq, and what its modules hold. */
const [DIM, FFN, LAYERS, HEADS] = [1024, 4096, 6, 16];
const linear = (from: number, to: number) => from * to + to;
const layerNorm = 2 * DIM;
const attend = 4 * linear(DIM, DIM) + layerNorm;
const feed = linear(DIM, FFN) + linear(FFN, DIM) + layerNorm;
const layers = LAYERS * (attend + feed) + LAYERS * (2 * attend + feed);
/** Merges and <s>, <pad>, </s>, <unk>; characters are not known before the text is read. */
const JOINT = 40_004;

describe('recipes/paper, translation', () => {
  it('trains the model that the options of fairseq describe', async () => {
    const shared = layers + JOINT * DIM;
    for (const name of ['wmt14-en-de', 'wmt14-en-fr'])
      expect(step(await plan(`${name}/transformer.yaml`), 'pretrain').parameters, name).toBe(shared);
    // 32,000 pieces of Chinese; merges and special symbols of English, tied to the output.
    const apart = layers + (32_000 + 32_004) * DIM;
    expect(step(await plan('wmt17-zh-en/transformer.yaml'), 'pretrain').parameters).toBe(apart);
  });

  it('adds the feature maps to the decoder: r k (d + 1) an attention, k = 4 and 32', async () => {
    const shared = layers + JOINT * DIM;
    const width = DIM / HEADS;
    const t2r = LAYERS * HEADS * (4 + 32) * (width + 1);
    const added = async (row: string, id: string) =>
      step(await plan(`wmt14-en-de/${row}.yaml`), id).parameters! - shared;
    expect(await added('t2r-pretrain', 'finetune')).toBe(t2r);
    expect(await added('t2r-random', 'train')).toBe(t2r);
    expect(await added('elu-pretrain', 'finetune')).toBe(0);
    // The scale of the frequencies, a number a head and dimension, in both attentions.
    expect(await added('rfa-random', 'train')).toBe(2 * LAYERS * DIM);
  });

  it('keeps S and z of both attentions in float32', async () => {
    for (const [row, features] of [
      ['t2r', 4 + 32],
      ['rfa', 4 + 128],
      ['elu', 64 + 64],
    ] as const) {
      const planned = await plan(`wmt14-en-fr/${row}-pretrain.yaml`);
      expect(step(planned, 'finetune').stateBytesPerSequence, row).toBe(4 * LAYERS * HEADS * features * 65);
    }
  });

  it('takes as many operations as six a parameter and pair of tokens, roughly, and says how long GPUs take', async () => {
    const planned = await plan('wmt14-en-de/t2r-random.yaml', '--gpu', 'v100');
    // A token of the source passes the encoder, one of the target the decoder and the output.
    const tokens = 300_000 * 65_536;
    const ratio = step(planned, 'train').flops! / (6 * (layers + JOINT * DIM) * tokens);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
    // The paper's 120 to 135 GPU hours are from memory, and so no more than their order of magnitude.
    expect(planned.gpu!.hoursToRun.float16).toBeGreaterThan(120 / 2);
    expect(planned.gpu!.hoursToRun.float16).toBeLessThan(135 * 2);
  });

  it.each(['wmt14-en-de', 'wmt14-en-fr', 'wmt17-zh-en'])(
    '%s: seven rows in one run, which make once what they have in common',
    async (name) => {
      const rows = readdirSync(join(folder, name));
      expect(rows).toHaveLength(7 + 1);
      const plans = await Promise.all(rows.map((row) => plan(`${name}/${row}`)));
      expect(new Set(plans.map((one) => one.name))).toEqual(new Set([name]));
      const steps = plans.flatMap((one) => one.steps);
      const keys = (id: string) => new Set(steps.filter((one) => one.id === id).map(({ key }) => key)).size;
      for (const id of ['corpus', 'text', 'pairs', 'pretrain']) expect(keys(id), id).toBe(1);
      for (const id of ['train', 'swap', 'finetune']) expect(keys(id), id).toBe(3);
    },
  );
});
