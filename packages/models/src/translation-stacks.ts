/** Encoder and decoder of a translation model as two stacks, each of which is computed as a language model is. */
import type { TranslationConfig } from './translation-types.js';
import type { LmConfig } from './types.js';

export type Side = 'encoder' | 'decoder';

/** Where the table lies that source and target share. */
export const SHARED_TABLE = 'embed.weight';

/** The encoder as a language model without an output, or the decoder as one without cross-attention. */
export function stackConfig(config: TranslationConfig, side: Side): LmConfig {
  const { encoder, decoder, sourceVocab, shareEmbeddings, cross, tokens, ...common } = config;
  if (side === 'decoder') return { ...common, ...decoder, use: 'decoder-lm' };
  // T2R's linear attention, which initScale is for, is in decoders alone.
  const { outputBias, initScale, ...ofEncoder } = common;
  return {
    ...ofEncoder,
    ...encoder,
    use: 'decoder-lm',
    vocab: sourceVocab ?? config.vocab,
    tieOutput: true,
    attention: Array.from({ length: encoder.layers }, () => ({ use: 'softmax' })),
  };
}

/** The parameters (or state tensors) of one side, by their names in a language model. */
export function ofSide<T>(tensors: Record<string, T>, side: Side): Record<string, T> {
  const prefix = `${side}.`;
  const own: Record<string, T> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === SHARED_TABLE) own[name] = tensor;
    else if (name.startsWith(prefix)) own[name.slice(prefix.length)] = tensor;
  }
  return own;
}

/** The name in the whole model of what a language model calls `name`. */
export function nameOfSide(name: string, side: Side, { shareEmbeddings }: TranslationConfig): string {
  return shareEmbeddings && name === SHARED_TABLE ? name : `${side}.${name}`;
}

/** The same of a record by name. */
export function toSide<T>(tensors: Record<string, T>, side: Side, config: TranslationConfig): Record<string, T> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [nameOfSide(name, side, config), tensor]));
}
