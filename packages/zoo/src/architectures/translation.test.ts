/** Configurations of encoder-decoder models of other projects; their tensors are tested against Python in tests/zoo. */
import type { ModelConfig, TranslationConfig } from '@t2r/models';
import { describe, expect, it } from 'vitest';
import { architectureOf } from './find.js';
import { importModel } from './model.js';
import type { JsonObject, TensorReader } from './types.js';

/** A checkpoint of fairseq with tables of these sizes and nothing else. */
const reader = (source = 50, target = source): TensorReader => ({
  path: 'model.pt',
  entries: new Map(
    [source, target].map((rows, i) => [
      `${['encoder', 'decoder'][i]}.embed_tokens.weight`,
      { dtype: 'F32', shape: [rows, 512] },
    ]),
  ),
  read: () => expect.fail('nothing is read'),
});

const read = async (config: JsonObject, from: TensorReader = reader()): Promise<ModelConfig> =>
  architectureOf(config).read(config, from);

describe("fairseq's transformer", () => {
  const big = { arch: 'transformer_wmt_en_de_big', encoder_embed_dim: 1024, encoder_attention_heads: 16 };

  it('is known by args and by cfg, and told from its language models', async () => {
    expect(architectureOf({ args: big }).name).toBe('transformer');
    expect(architectureOf({ args: null, cfg: { model: { ...big, _name: 'transformer_wmt_en_de_big' } } }).name).toBe(
      'transformer',
    );
    expect(architectureOf({ args: { arch: 'transformer_lm_wiki103' } }).name).toBe('transformer_lm');
    expect(() => architectureOf({ args: { arch: 'transformer_align' } })).toThrow(/is not known/);
    expect(await read({ cfg: { model: big } })).toMatchObject({ dim: 1024, encoder: { layers: 6, heads: 16 } });
  });

  it('of WMT14, by its options', async () => {
    const args = {
      ...big,
      encoder_ffn_embed_dim: 4096,
      decoder_attention_heads: 16,
      dropout: 0.3,
      relu_dropout: 0.1,
      share_all_embeddings: true,
      decoder_layerdrop: 0.2,
      max_source_positions: 1024,
      max_target_positions: 1024,
      adaptive_softmax_cutoff: null,
    };
    expect(await read({ args })).toMatchObject({
      use: 'encoder-decoder',
      vocab: 50,
      encoder: { layers: 6, heads: 16, ffn: 4096 },
      decoder: { layers: 6, heads: 16, ffn: 4096, layerDrop: 0.2 },
      norm: 'post',
      shareEmbeddings: true,
      tieOutput: true,
      scaleEmbedding: true,
      dropout: 0.3,
      activationDropout: 0.1,
      tokens: { start: 2, end: 2, padding: 1 },
    } satisfies Partial<TranslationConfig>);
    const separate = (await read({ args: { arch: 'transformer' } }, reader(50, 60))) as TranslationConfig;
    expect([separate.sourceVocab, separate.vocab, separate.shareEmbeddings, separate.tieOutput]).toEqual([
      50,
      60,
      false,
      false,
    ]);
  });

  it('with stacks that differ, or options without a model here, is refused by name', async () => {
    const refused = (options: JsonObject) => expect(read({ args: { arch: 'transformer', ...options } })).rejects;
    await refused({ decoder_embed_dim: 256 }).toThrow(/decoder_embed_dim: 256 is not supported/);
    await refused({ encoder_normalize_before: true }).toThrow(/decoder_normalize_before: false is not supported/);
    await refused({ adaptive_softmax_cutoff: '10,20' }).toThrow(/adaptive_softmax_cutoff/);
    await refused({ use_rfa: true }).toThrow(/use_rfa/);
    await refused({ dropout: 2 }).toThrow(/dropout/);
  });

  it('without a last norm is of the first versions', async () => {
    const pre = { encoder_normalize_before: true, decoder_normalize_before: true };
    expect(await read({ args: { arch: 'transformer', ...pre } })).toMatchObject({ norm: 'pre', finalNorm: false });
  });
});

describe('Marian and BART', () => {
  it('are refused where the model is not what transformers computes', async () => {
    await expect(read({ model_type: 'marian', normalize_before: true })).rejects.toThrow(/normalize_before: true/);
    await expect(read({ model_type: 'bart', static_position_embeddings: true })).rejects.toThrow(/static_position/);
    await expect(read({ model_type: 'bart', d_model: 0 })).rejects.toThrow(/d_model/);
  });

  it('have the sizes of their defaults, and no special tokens where those are not given', async () => {
    expect(await read({ model_type: 'marian' })).toMatchObject({ vocab: 58_101, dim: 1024, encoder: { layers: 12 } });
    expect(await read({ model_type: 'bart' })).not.toHaveProperty('tokens');
    const ids = { decoder_start_token_id: 2, eos_token_id: [2, 3], pad_token_id: 1 };
    expect(await read({ model_type: 'bart', ...ids })).toMatchObject({ tokens: { start: 2, end: 2, padding: 1 } });
  });

  it('are no language models', async () => {
    await expect(importModel({ model_type: 'bart' }, reader())).rejects.toThrow(
      /the bart model is an encoder-decoder for translation, and a decoder-only language model is needed here/,
    );
    await expect(importModel({ model_type: 'opt' }, reader(), 'encoder-decoder')).rejects.toThrow(/the opt model is/);
  });
});
