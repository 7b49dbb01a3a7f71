/** The parity report in words. */
import type { ParityReport } from './parity/types.js';

/** A few lines for a terminal or a log. */
export function describeParity(parity: ParityReport): string[] {
  const { passed, text, tokens, tolerance, max_logit, max_difference, max_prefill_difference, greedy } = parity;
  const { agreement, perplexity } = parity;
  const change = 100 * (perplexity.exported / perplexity.parallel - 1);
  const prefill = max_prefill_difference === null ? '' : `, in chunks ${max_prefill_difference.toExponential(2)}`;
  const from = greedy.first_difference === null ? '' : `, the first other one is number ${greedy.first_difference + 1}`;
  const verdict =
    passed === null
      ? 'weights are not float32, so the differences are told and not judged'
      : `${passed ? 'equal' : 'NOT EQUAL'}: tolerance ${(tolerance * Math.max(max_logit, 1)).toExponential(2)} and the same greedy tokens`;
  return [
    `${tokens.toLocaleString('en')} tokens, ${text}`,
    `largest difference of logits: token by token ${max_difference.toExponential(2)}${prefill} (largest logit ${max_logit.toPrecision(4)})`,
    `same likeliest token: ${(100 * agreement).toFixed(2)} %; perplexity ${perplexity.parallel.toPrecision(6)} and exported ${perplexity.exported.toPrecision(6)} (${change >= 0 ? '+' : ''}${change.toFixed(4)} %)`,
    `same greedy tokens: ${greedy.same} of ${greedy.ids.length}${from}`,
    verdict,
  ];
}
