/** The architectures whose checkpoints are read. */
import { nearestName, UserError } from '@t2r/core';
import type { ModelConfig } from '@t2r/models';
import { bart } from './bart.js';
import { ctranslate2Lm } from './ctranslate2-lm.js';
import { fairseqLm } from './fairseq-lm.js';
import { fairseqTranslation } from './fairseq-translation.js';
import { gptNeoX } from './gpt-neox.js';
import { gpt2 } from './gpt2.js';
import { llama } from './llama.js';
import { llamaMeta } from './llama-meta.js';
import { marian } from './marian.js';
import { opt } from './opt.js';
import type { Architecture, JsonObject } from './types.js';

export const ARCHITECTURES: readonly Architecture<ModelConfig>[] = [
  gpt2,
  gptNeoX,
  llama,
  llamaMeta,
  opt,
  fairseqLm,
  ctranslate2Lm,
  marian,
  bart,
  fairseqTranslation,
];

/** As they stand in config.json. */
const MODEL_TYPES = ['gpt2', 'gpt_neox', 'llama', 'mistral', 'qwen2', 'opt', 'marian', 'bart'];

const KNOWN =
  "gpt2, gpt_neox, llama (Meta's params.json too), mistral, qwen2, opt, marian, bart, fairseq's transformer_lm and transformer, CTranslate2's TransformerDecoderSpec";

/** The architecture that a configuration belongs to. @throws UserError where none is known */
export function architectureOf(config: JsonObject): Architecture<ModelConfig> {
  const found = ARCHITECTURES.find((architecture) => architecture.matches(config));
  if (found === undefined) {
    const what = config.model_type ?? config.spec ?? 'without model_type';
    const nearest = nearestName(String(what), MODEL_TYPES);
    const meant = nearest === undefined ? '' : `Did you mean ${nearest}? `;
    throw new UserError(`the architecture ${JSON.stringify(what)} is not known; known are ${KNOWN}`, {
      hint: `${meant}Give the configuration of a model of one of these.`,
    });
  }
  return found;
}
