/** generation_config.json, with the names that transformers gives its fields. */
import { isTranslation } from '@t2r/models';
import type { LoadedModel } from './loaded-model.js';

/** Special tokens of generating; what the model came with, where it came from elsewhere. */
export function generationConfig({ model, tokenizer, tokens, origin }: LoadedModel): Record<string, unknown> {
  if (isTranslation(model)) {
    const { start, end, padding } = tokens!;
    return {
      decoder_start_token_id: start,
      eos_token_id: end,
      pad_token_id: padding,
      ...(padding !== end && { bad_words_ids: [[padding]] }),
      ...origin?.generationConfig,
    };
  }
  const end = tokenizer?.endOfText;
  return { ...(end !== undefined && { bos_token_id: end, eos_token_id: end }), ...origin?.generationConfig };
}
