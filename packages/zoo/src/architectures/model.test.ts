/** Reading and writing models: what must be there, what may be, what is refused and by which name. */
import { softmaxAttention } from '@t2r/attention';
import { createLanguageModel, type LmConfig, parameterCount } from '@t2r/models';
import { describe, expect, it } from 'vitest';
import { architectureOf } from './find.js';
import { exportModel, importModel, readWeights } from './model.js';
import type { JsonObject, TensorDescription, TensorReader } from './types.js';

const GPT2: JsonObject = { model_type: 'gpt2', vocab_size: 7, n_positions: 9, n_embd: 4, n_layer: 1, n_head: 2 };
const LLAMA: JsonObject = {
  model_type: 'llama',
  vocab_size: 7,
  hidden_size: 8,
  intermediate_size: 6,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 16,
};

type Stored = Record<string, TensorDescription>;

/** Tensors of F32 by shape; element i of each is i. Counts what is read. */
function reader(stored: Stored): TensorReader & { reads: string[] } {
  const reads: string[] = [];
  return {
    path: 'tiny.safetensors',
    entries: new Map(Object.entries(stored)),
    reads,
    async read(name) {
      reads.push(name);
      const { shape } = stored[name]!;
      return { shape, data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i) };
    },
  };
}

const f32 = (...shape: number[]): TensorDescription => ({ dtype: 'F32', shape });

/** A one-layer GPT-2 as transformers names it, below a prefix. */
const gpt2 = (prefix = 'transformer.'): Stored =>
  Object.fromEntries(
    Object.entries({
      'wte.weight': f32(7, 4),
      'wpe.weight': f32(9, 4),
      'h.0.ln_1.weight': f32(4),
      'h.0.ln_1.bias': f32(4),
      'h.0.attn.c_attn.weight': f32(4, 12),
      'h.0.attn.c_attn.bias': f32(12),
      'h.0.attn.c_proj.weight': f32(4, 4),
      'h.0.attn.c_proj.bias': f32(4),
      'h.0.ln_2.weight': f32(4),
      'h.0.ln_2.bias': f32(4),
      'h.0.mlp.c_fc.weight': f32(4, 16),
      'h.0.mlp.c_fc.bias': f32(16),
      'h.0.mlp.c_proj.weight': f32(16, 4),
      'h.0.mlp.c_proj.bias': f32(4),
      'ln_f.weight': f32(4),
      'ln_f.bias': f32(4),
    }).map(([name, entry]) => [prefix + name, entry]),
  );

describe('tensors of a checkpoint', () => {
  it.each([
    ['with the prefix of language models', gpt2(), 'lm_head.weight'],
    ['without it, as the first files of GPT-2', gpt2(''), 'lm_head.weight'],
  ])('are found %s; masks and the tied output are passed over', async (_, stored, head) => {
    const prefix = Object.keys(stored)[0]!.replace('wte.weight', '');
    const mask = { dtype: 'U8', shape: [1, 1, 9, 9] };
    const source = reader({ ...stored, [`${prefix}h.0.attn.bias`]: mask, [head]: f32(7, 4) });
    const { tensors, architecture } = await importModel(GPT2, source);
    expect(architecture).toBe('gpt2');
    const weights = await readWeights(tensors);
    expect(weights['layers.0.attention.k.weight']!.shape).toEqual([4, 4]);
    expect([...weights['layers.0.attention.k.bias']!.data]).toEqual([4, 5, 6, 7]);
    expect(weights['output.weight']).toBeUndefined();
  });

  it('are read once, also where one holds several of ours', async () => {
    const source = reader(gpt2());
    const { tensors } = await importModel(GPT2, source);
    expect(source.reads).toEqual([]);
    await readWeights(tensors);
    expect(new Set(source.reads).size).toBe(source.reads.length);
    expect(source.reads).toHaveLength(16);
    // Again, and out of order.
    const [first, second] = [await tensors.read('layers.0.attention.v.bias'), await tensors.read('embed.weight')];
    expect([...first.data]).toEqual([8, 9, 10, 11]);
    expect(second.shape).toEqual([7, 4]);
  });

  it('are named where they are missing, unexpected, of another shape or not floats', async () => {
    const stored = gpt2();
    delete stored['transformer.ln_f.bias'];
    stored['transformer.h.0.attn.q_norm.weight'] = f32(4);
    stored['transformer.wpe.weight'] = f32(8, 4);
    stored['transformer.wte.weight'] = { dtype: 'I8', shape: [7, 4] };
    await expect(importModel(GPT2, reader(stored))).rejects.toThrow(
      'missing: transformer.ln_f.bias; unexpected: transformer.h.0.attn.q_norm.weight; of another shape or type: ' +
        'transformer.wte.weight is I8 [7, 4], expected floats [7, 4], ' +
        'transformer.wpe.weight is F32 [8, 4], expected floats [9, 4]',
    );
    // A reader that makes floats of quantised weights says so.
    const quantised = {
      ...gpt2(),
      'transformer.wte.weight': { dtype: 'I8', shape: [7, 4], reads: 'float32' as const },
    };
    await expect(importModel(GPT2, reader(quantised))).resolves.toBeDefined();
  });

  it('that belong to no known architecture are refused', async () => {
    await expect(importModel({ model_type: 'bloom' }, reader({}))).rejects.toThrow(
      /the architecture "bloom" is not known; known are gpt2, gpt_neox, llama/,
    );
    await expect(importModel({}, reader({}))).rejects.toThrow(/"without model_type" is not known/);
  });
});

describe('writing', () => {
  const config: LmConfig = {
    use: 'decoder-lm',
    vocab: 7,
    layers: 1,
    dim: 4,
    heads: 2,
    ffn: 8,
    activation: 'gelu-new',
    norm: 'pre',
    positions: 'learned',
    maxPositions: 9,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0.1,
    attentionDropout: 0.2,
    activationDropout: 0.3,
    initStd: 0.02,
    layerDrop: 0.1,
    attention: [{ use: 'softmax' }],
  };
  const read = async () => new Float32Array(256);

  it('takes over special tokens, and leaves them out where there are none', async () => {
    const base = { model_type: 'gpt2', eos_token_id: 5, task_specific_params: {} };
    expect((await exportModel(config, read, { base })).config).toMatchObject({
      ...base,
      n_inner: 8,
      attn_pdrop: 0.2,
      bos_token_id: null,
    });
    expect((await exportModel(config, read, { architecture: 'gpt2' })).config.eos_token_id).toBeNull();
  });

  it('refuses what the architecture cannot be, by name', async () => {
    const write = (options: Partial<LmConfig>, architecture = 'gpt2') =>
      exportModel({ ...config, ...options }, read, { architecture });
    await expect(write({ positions: 'sinusoidal', gated: true, biases: { ffn: false } })).rejects.toThrow(
      /a gpt2 model cannot have positions: "sinusoidal", gated: true, biases: /,
    );
    await expect(write({}, 'llama')).rejects.toThrow(/a llama model cannot have .*normKind: "layer"/);
    await expect(write({ attention: [{ use: 't2r-mlp', features: 4 }] })).rejects.toThrow(
      /layer 0 has attention t2r-mlp, which no other project's format can hold/,
    );
    await expect(write({}, 'transformer_lm')).rejects.toThrow(
      /not written as transformer_lm; known are gpt2, gpt_neox, llama, opt/,
    );
  });

  it('names the plainest type that has what a model needs', async () => {
    const like = (options: Partial<LmConfig>): LmConfig => ({
      ...config,
      activation: 'silu',
      gated: true,
      normKind: 'rms',
      positions: 'rotary',
      rotary: {},
      biases: { qkv: false, out: false, ffn: false },
      ...options,
    });
    const typeOf = async (options: Partial<LmConfig>) =>
      (await exportModel(like(options), read, { architecture: 'llama' })).config.model_type;
    expect(await typeOf({})).toBe('llama');
    expect(await typeOf({ biases: { qkv: true, out: false, ffn: false } })).toBe('qwen2');
    expect(await typeOf({ attention: [{ use: 'softmax-window', window: 4 }] })).toBe('mistral');
    await expect(typeOf({ biases: { qkv: false, out: true } })).rejects.toThrow(/a llama model cannot have biases/);
    await expect(typeOf({ rotary: { pairs: 'interleaved' } })).rejects.toThrow(/cannot have rotary/);
  });
});

describe('configurations', () => {
  /** The configuration alone: the tensors are then all missing. */
  const configOf = async (theirs: JsonObject): Promise<LmConfig> => {
    return (await architectureOf(theirs).read(theirs)) as LmConfig;
  };

  it('of before version 5 say rotary positions otherwise', async () => {
    const scaled = { rope_theta: 5e5, rope_scaling: { type: 'linear', factor: 4 } };
    expect((await configOf({ ...LLAMA, ...scaled })).rotary).toEqual({
      base: 5e5,
      scaling: { type: 'linear', factor: 4 },
    });
    const neox = { model_type: 'gpt_neox', hidden_size: 8, num_attention_heads: 2, intermediate_size: 8 };
    expect((await configOf(neox)).rotary).toEqual({ base: 10_000, fraction: 0.25 });
    expect((await configOf({ ...neox, rotary_pct: 1, rotary_emb_base: 500 })).rotary).toEqual({ base: 500 });
  });

  it('leave out what transformers fills in', async () => {
    const mistral = { ...LLAMA, model_type: 'mistral', num_attention_heads: 8, max_position_embeddings: 8192 };
    const { attention, ...config } = await configOf({ ...mistral, num_attention_heads: 16 });
    expect(config.kvHeads).toBe(8);
    expect(attention[0]).toEqual({ use: 'softmax-window', window: 4096 });
    // null is none, and a window as long as the longest text is none.
    for (const sliding_window of [null, 8192])
      expect((await configOf({ ...mistral, sliding_window })).attention[0]).toEqual({ use: 'softmax' });
    expect((await configOf({ ...mistral, num_key_value_heads: null })).kvHeads).toBeUndefined();
  });

  it('of Qwen2 may give windows to upper layers', async () => {
    const qwen = { ...LLAMA, model_type: 'qwen2', num_key_value_heads: 2, sliding_window: 4, num_hidden_layers: 3 };
    const uses = async (options: JsonObject) =>
      (await configOf({ ...qwen, ...options })).attention.map(({ use }) => use);
    expect(await uses({})).toEqual(['softmax', 'softmax', 'softmax']);
    expect(await uses({ use_sliding_window: true, max_window_layers: 2 })).toEqual([
      'softmax',
      'softmax',
      'softmax-window',
    ]);
    const layer_types = ['sliding_attention', 'full_attention', 'full_attention'];
    expect(await uses({ use_sliding_window: true, layer_types })).toEqual(['softmax-window', 'softmax', 'softmax']);
    expect((await configOf(qwen)).biases).toEqual({ qkv: true, out: false, ffn: false });
  });

  // As their authors and transformers count them; configurations of the published models, sizes alone.
  it.each<[string, number, JsonObject]>([
    ['GPT-2', 124_439_808, { model_type: 'gpt2' }],
    [
      'Pythia 70M',
      70_426_624,
      {
        model_type: 'gpt_neox',
        vocab_size: 50_304,
        hidden_size: 512,
        num_hidden_layers: 6,
        num_attention_heads: 8,
        intermediate_size: 2048,
      },
    ],
    ['OPT 125M', 125_239_296, { model_type: 'opt' }],
    [
      'OPT 350M',
      331_196_416,
      {
        model_type: 'opt',
        hidden_size: 1024,
        num_hidden_layers: 24,
        ffn_dim: 4096,
        num_attention_heads: 16,
        word_embed_proj_dim: 512,
        do_layer_norm_before: false,
      },
    ],
    [
      'Llama 2 7B',
      6_738_415_616,
      {
        ...LLAMA,
        vocab_size: 32_000,
        hidden_size: 4096,
        intermediate_size: 11_008,
        num_hidden_layers: 32,
        num_attention_heads: 32,
      },
    ],
    [
      'Mistral 7B',
      7_241_732_096,
      {
        ...LLAMA,
        model_type: 'mistral',
        vocab_size: 32_000,
        hidden_size: 4096,
        intermediate_size: 14_336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
      },
    ],
    [
      'Qwen2 0.5B',
      494_032_768,
      {
        ...LLAMA,
        model_type: 'qwen2',
        vocab_size: 151_936,
        hidden_size: 896,
        intermediate_size: 4864,
        num_hidden_layers: 24,
        num_attention_heads: 14,
        num_key_value_heads: 2,
        tie_word_embeddings: true,
      },
    ],
  ])('%s has %i parameters', async (_, count, theirs) => {
    const config = await configOf(theirs);
    const attention = new Array(config.layers).fill(softmaxAttention());
    expect(parameterCount(createLanguageModel(config, attention))).toBe(count);
  });

  it.each([
    [
      { ...GPT2, scale_attn_by_inverse_layer_idx: true },
      'gpt2: scale_attn_by_inverse_layer_idx: true is not supported',
    ],
    [{ ...GPT2, activation_function: 'tanh' }, 'gpt2: activation_function: "tanh" is not supported'],
    [{ ...GPT2, quantization_config: { bits: 4 } }, 'gpt2: quantization_config: {"bits":4} is not supported'],
    [
      { ...LLAMA, rope_scaling: { type: 'yarn', factor: 4 } },
      'llama: rope_parameters.rope_type: "yarn" is not supported',
    ],
    [{ ...LLAMA, rope_parameters: { rope_type: 'linear' } }, 'llama: rope_parameters.factor: null is not supported'],
    [
      { ...LLAMA, rope_parameters: { full_attention: { rope_type: 'default' } } },
      'llama: rope_parameters.full_attention: {"rope_type":"default"} is not supported',
    ],
    [{ ...LLAMA, hidden_size: 'large' }, 'hidden_size: Invalid input: expected number, received string'],
    [{ model_type: 'opt', layer_norm_elementwise_affine: false }, 'opt: layer_norm_elementwise_affine: false'],
    [{ arch: 'transformer_lm', character_embeddings: true }, 'transformer_lm: character_embeddings: true'],
    [
      { arch: 'transformer_lm_gbw', adaptive_input: true, adaptive_input_cutoff: '5,9', adaptive_softmax_cutoff: '5' },
      'transformer_lm: adaptive_softmax_cutoff: [5] is not supported',
    ],
    [{ dim: 8, n_layers: 1, n_heads: 2, norm_eps: 1e-5, use_scaled_rope: true }, 'llama-meta: use_scaled_rope: true'],
  ])('%j is refused by name', async (theirs, message) => {
    await expect(async () => configOf(theirs)).rejects.toThrow(message);
  });
});
