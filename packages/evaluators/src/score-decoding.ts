/** Negative log-likelihoods as decoding gives them, token by token: with weights in the format they are decoded with. */
import type { CompiledProgram } from '@t2r/engine';
import { logProbability, type TextGenerator } from '@t2r/generation';
import type { ScoringShape } from './score.js';

/** What `compileScoring` gives, from the steps of a generator of the same batch; each run starts from an empty state. */
export function decodingScorer(
  generator: TextGenerator,
  { batch, window }: ScoringShape,
): Pick<CompiledProgram, 'run' | 'dispose'> {
  const { vocab } = generator.model.config;
  return {
    async run({ ids, targets }) {
      const nll = new Float32Array(batch * window);
      const column = new Int32Array(batch);
      generator.reset();
      for (let t = 0; t < window; t++) {
        for (let row = 0; row < batch; row++) column[row] = ids![row * window + t]!;
        const logits = await generator.next(column); // [batch, vocab]
        for (let row = 0; row < batch; row++) {
          const at = row * window + t;
          nll[at] = -logProbability(logits.subarray(row * vocab, (row + 1) * vocab), targets![at]!);
        }
      }
      return { nll };
    },
    dispose: () => generator.dispose(),
  };
}
