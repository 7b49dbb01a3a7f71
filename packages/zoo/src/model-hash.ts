/** What tells a model apart from every other: a state can only go on with the model that made it. */
import { createHash } from 'node:crypto';
import { hashJson } from '@t2r/core';
import type { ModelConfig, Weights } from '@t2r/models';

/**
 * SHA-256 over a model's configuration and its float32 weights, in hex. The order of the weights does not matter, nor do
 * numbers of the configuration that count in training alone: dropout and how parameters started.
 */
export function modelHash(config: ModelConfig, weights: Weights): string {
  const { dropout, attentionDropout, activationDropout, initStd, init, initScale, ...architecture } = config;
  const hash = createHash('sha256').update(hashJson(architecture));
  for (const name of Object.keys(weights).sort()) {
    const { shape, data } = weights[name]!;
    hash.update(`\n${name} [${shape.join(',')}]\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
