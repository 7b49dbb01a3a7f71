/** `t2r inspect`: what it says of checkpoints of every kind, and that headers alone tell it. */
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryFolder } from '../recipes/run-cli.js';
import { runSteps } from './run-steps.js';

const GOLDENS = fileURLToPath(new URL('../fixtures/goldens/', import.meta.url));
const at = (...parts: string[]) => join(GOLDENS, ...parts);

async function inspect(...args: string[]) {
  const { code, out, err } = await runCli(['inspect', ...args, '--json']);
  expect([code, err]).toEqual([0, '']);
  return JSON.parse(out);
}

describe('t2r inspect', () => {
  it('says what a model is and what T2R would add', async () => {
    const found = await inspect(at('models', 'gpt2-tiny'));
    expect(found).toMatchObject({
      format: 'safetensors',
      architecture: 'gpt2',
      parameters: 43_328,
      tensorCount: 40,
      dtypes: { F32: 40 },
      values: 43_328,
      tokenizer: [],
      model: { layers: 3, dim: 32, heads: 4 },
      // A layer has 4 heads of width 8: a map [8, 32] with a bias each for all positions, and a state of 32 (8 + 1) a head.
      conversion: { features: 32, layers: 3, parameters: 3 * 4 * (8 * 32 + 32), stateBytes: 4 * 3 * 4 * 32 * 9 },
    });
    // Keys and values of 3 layers, width 32, 1,024 positions, 4 bytes.
    expect(found.conversion.cacheBytes).toBe(3 * 2 * 32 * 1024 * 4);
    const other = await inspect(at('models', 'gpt2-tiny'), '--features', '8', '--position', '10');
    expect(other.conversion).toMatchObject({ features: 8, cacheBytes: 3 * 2 * 32 * 10 * 4 });
  });

  it.each([
    ['fairseq-pt', 'pytorch', 'transformer_lm'],
    ['fairseq-pt/checkpoint_best.pt', 'pytorch', 'transformer_lm'],
    ['meta-pt', 'pytorch', 'llama-meta'],
    ['models/qwen2-tiny/model.safetensors', 'safetensors', 'llama'],
  ])('%s', async (path, format, architecture) => {
    expect(await inspect(at(path))).toMatchObject({ format, architecture });
  });

  it('lists tensors on request', async () => {
    const { tensors } = await inspect(at('models', 'gpt2-tiny'), '--tensors');
    expect(tensors[0]).toEqual({
      name: expect.stringContaining('transformer.'),
      dtype: 'F32',
      shape: expect.any(Array),
    });
    const { out } = await runCli(['inspect', at('models', 'gpt2-tiny'), '--tensors']);
    expect(out).toMatch(/architecture +gpt2\n/);
    expect(out).toMatch(/T2R with 32 features in 3 layers: 3,456 parameters more/);
    expect(out).toMatch(/\ntransformer\.wte\.weight +F32 +\[97, 32\]\n/);
  });

  it('takes the checkpoint of a run, converted ones too', async () => {
    const folder = temporaryFolder();
    const path = JSON.stringify(at('models', 'gpt2-tiny'));
    await runSteps(
      folder,
      `load: { use: zoo/load, from: ${path} }
swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 6 }, layers: [0, 1] }`,
    );
    const found = await inspect(`${join(folder, 'runs', 'steps')}:swap`);
    expect(found).toMatchObject({ architecture: 't2r-checkpoint', origin: { from: 'gpt2-tiny' } });
    // One layer is left to convert.
    expect(found.conversion).toMatchObject({ layers: 1 });
    const wrong = await runCli(['inspect', `${join(folder, 'runs', 'steps')}:swop`]);
    expect(wrong).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no checkpoint "swop"[\s\S]*did you mean "swap"/),
    });
  });

  it('tells of tensors where it knows no model, and why', async () => {
    const folder = join(temporaryFolder(), 'model');
    cpSync(at('models', 'gpt2-tiny'), folder, { recursive: true });
    const config = readFileSync(join(folder, 'config.json'), 'utf8');
    writeFileSync(join(folder, 'config.json'), config.replace('"model_type": "gpt2"', '"model_type": "mamba"'));
    expect(await inspect(folder)).toMatchObject({ tensorCount: 40, reason: expect.stringContaining('"mamba"') });
    truncateSync(join(folder, 'model.safetensors'), 100);
    const { code, err } = await runCli(['inspect', folder]);
    expect([code, err]).toEqual([2, expect.stringMatching(/model\.safetensors: /)]);
    expect((await runCli(['inspect', join(folder, 'nothing')])).err).toMatch(/there is no file or folder/);
  });
});
