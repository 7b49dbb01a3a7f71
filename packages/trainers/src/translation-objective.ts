/** What a translation model minimises: cross-entropy of the target's next token, given the source. */
import type { TranslationModel } from '@t2r/models';
import type { Scalar } from '@tensorflow/tfjs-core';
import type { Objective } from './objective.js';

/**
 * Mean over the target's tokens, those of padding left out, in nats; with `labelSmoothing` e: (1-e) * nll + e/V * sum(-log p),
 * as in fairseq. Inputs: `source` and `sourceMask` [B,S], `inputs`, `targets` and `weights` [B,T].
 */
export function translationObjective(model: TranslationModel, labelSmoothing = 0): Objective {
  return {
    loss({ source, sourceMask, inputs, targets, weights }, _values, dropout) {
      return (parameters) => {
        const memory = model.encode(source!, sourceMask!, parameters, { dropout }); // [B,S,dim]
        const encoded = { memory, mask: sourceMask! };
        return model.loss(inputs!, targets!, encoded, parameters, { dropout, labelSmoothing, weights }) as Scalar;
      };
    },
  };
}
