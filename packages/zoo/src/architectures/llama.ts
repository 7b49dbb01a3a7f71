/**
 * LLaMA (Touvron et al. 2023, arXiv 2302.13971) and what is built like it, as transformers stores them: RMS norms, rotary
 * positions, grouped-query attention, gated feed-forward blocks. Mistral adds a window to attention, Qwen2 biases to queries,
 * keys and values, and windows to its upper layers.
 */
import type { LmConfig } from '@t2r/models';
import { z } from 'zod';
import { linearRules, type NameMap, normRules } from './names.js';
import { activationName, activationOf, PLAIN, parseOptions, refuse } from './options.js';
import { readRope, writeRope } from './rope.js';
import { transposed } from './transforms.js';
import type { Architecture, JsonObject } from './types.js';

const size = z.int().positive();
const rate = z.number().min(0).lt(1);

const schema = z.object({
  model_type: z.enum(['llama', 'mistral', 'qwen2']),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive().default(1e-6),
  attention_dropout: rate.nullish(),
  initializer_range: z.number().positive().default(0.02),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  sliding_window: size.nullish(),
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.int().min(0).nullish(),
  layer_types: z.array(z.enum(['full_attention', 'sliding_attention'])).nullish(),
});

type Options = z.output<typeof schema>;
type ModelType = Options['model_type'];

const SOFTMAX = { use: 'softmax' };

/** What transformers takes where a configuration leaves these out (null means none, or as many as heads). */
const ABSENT: Record<ModelType, JsonObject> = {
  llama: {},
  mistral: { num_key_value_heads: 8, sliding_window: 4096 },
  qwen2: { num_key_value_heads: 32, sliding_window: 4096, max_window_layers: 28 },
};

/** Attention of every layer: full, or over the last keys. A window as long as the longest text is none. */
function attentionOf(options: Options): LmConfig['attention'] {
  const { model_type: type, num_hidden_layers: layers, sliding_window: window, layer_types: types } = options;
  const windowed = (layer: number) => {
    if (type === 'llama' || (type === 'qwen2' && !options.use_sliding_window)) return false;
    if (types) return types[layer] === 'sliding_attention';
    return type === 'mistral' || layer >= (options.max_window_layers ?? layers);
  };
  return Array.from({ length: layers }, (_, layer) =>
    window && window < options.max_position_embeddings && windowed(layer) ? { use: 'softmax-window', window } : SOFTMAX,
  );
}

const CLASSES = { llama: 'LlamaForCausalLM', mistral: 'MistralForCausalLM', qwen2: 'Qwen2ForCausalLM' } as const;

/** The type a model had before where there is one, or the plainest that has what it needs. */
function typeOf(config: LmConfig, { model_type }: JsonObject): ModelType {
  if (typeof model_type === 'string' && Object.hasOwn(CLASSES, model_type)) return model_type as ModelType;
  const { biases = {}, attention } = config;
  if (biases.qkv !== false && biases.out === false) return 'qwen2';
  return attention.some(({ use }) => use === 'softmax-window') ? 'mistral' : 'llama';
}

/** The options of windows in the way of each type. */
function writeWindows(type: ModelType, { attention }: LmConfig): JsonObject {
  const window = attention.find(({ use }) => use === 'softmax-window')?.window ?? null;
  if (type === 'mistral') return { sliding_window: window };
  if (type !== 'qwen2') return {};
  return {
    use_sliding_window: window !== null,
    sliding_window: window,
    layer_types: attention.map(({ use }) => (use === 'softmax-window' ? 'sliding_attention' : 'full_attention')),
  };
}

const NAMES: NameMap = {
  optionalPrefix: 'model.',
  rules: [
    { ours: 'embed.weight', theirs: 'model.embed_tokens.weight' },
    ...normRules('layers.{n}.norm1', 'model.layers.{n}.input_layernorm.'),
    ...['q', 'k', 'v'].flatMap((name) =>
      linearRules(`layers.{n}.attention.${name}`, `model.layers.{n}.self_attn.${name}_proj`, transposed),
    ),
    ...linearRules('layers.{n}.attention.out', 'model.layers.{n}.self_attn.o_proj', transposed),
    ...normRules('layers.{n}.norm2', 'model.layers.{n}.post_attention_layernorm.'),
    ...linearRules('layers.{n}.gate', 'model.layers.{n}.mlp.gate_proj', transposed),
    ...linearRules('layers.{n}.fc1', 'model.layers.{n}.mlp.up_proj', transposed),
    ...linearRules('layers.{n}.fc2', 'model.layers.{n}.mlp.down_proj', transposed),
    ...normRules('final_norm', 'model.norm.'),
    { ours: 'output.weight', theirs: 'lm_head.weight', as: transposed },
  ],
  ignored: ['model.layers.{n}.self_attn.rotary_emb.inv_freq', 'model.rotary_emb.inv_freq'],
};

export const llama: Architecture = {
  name: 'llama',
  use: 'decoder-lm',
  matches: ({ model_type }) => typeof model_type === 'string' && Object.hasOwn(CLASSES, model_type),
  read(config) {
    const family = config.model_type as ModelType;
    refuse(family, config, { quantization_config: [], ...(family === 'mistral' && { layer_types: [] }) });
    const options = parseOptions(family, schema, { ...ABSENT[family], ...config });
    const { num_attention_heads: heads, hidden_size: dim, max_position_embeddings: maxPositions } = options;
    const kvHeads = options.num_key_value_heads ?? heads;
    const headDim = options.head_dim ?? dim / heads;
    const qwen = family === 'qwen2';
    return {
      ...PLAIN,
      vocab: options.vocab_size,
      layers: options.num_hidden_layers,
      dim,
      heads,
      ...(kvHeads !== heads && { kvHeads }),
      ...(headDim !== dim / heads && { headDim }),
      ffn: options.intermediate_size,
      gated: true,
      activation: activationOf(family, 'hidden_act', options.hidden_act),
      normKind: 'rms',
      normEpsilon: options.rms_norm_eps,
      positions: 'rotary',
      maxPositions,
      rotary: readRope(family, config, { base: 10_000, fraction: 1, maxPositions }),
      biases: { qkv: qwen || options.attention_bias, out: !qwen && options.attention_bias, ffn: options.mlp_bias },
      tieOutput: options.tie_word_embeddings,
      dropout: 0,
      attentionDropout: options.attention_dropout ?? 0,
      initStd: options.initializer_range,
      attention: attentionOf(options),
    };
  },
  write(config, base) {
    const type = typeOf(config, base);
    const { biases = {}, heads, dim } = config;
    return {
      model_type: type,
      architectures: [CLASSES[type]],
      vocab_size: config.vocab,
      hidden_size: dim,
      intermediate_size: config.ffn,
      num_hidden_layers: config.layers,
      num_attention_heads: heads,
      num_key_value_heads: config.kvHeads ?? heads,
      ...(type === 'qwen2' ? {} : { head_dim: config.headDim ?? dim / heads }),
      hidden_act: activationName(config.activation),
      max_position_embeddings: config.maxPositions,
      rms_norm_eps: config.normEpsilon ?? 1e-5,
      ...writeRope(config, 1),
      ...writeWindows(type, config),
      ...(type === 'llama' && { attention_bias: biases.qkv ?? true, mlp_bias: biases.ffn ?? true }),
      attention_dropout: config.attentionDropout,
      initializer_range: config.initStd,
      tie_word_embeddings: config.tieOutput,
    };
  },
  names: ({ tieOutput }) => ({
    ...NAMES,
    ...(tieOutput && { tied: [{ name: 'lm_head.weight', of: 'model.embed_tokens.weight' }] }),
  }),
};
