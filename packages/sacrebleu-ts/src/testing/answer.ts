/** Answers to the requests of `fixtures/peer.py`, of the same form as the original's. */
import { createBleu, createChrf, createTer, type Metric, pairedTest, type Score, tercomWords } from '../index.js';
import type { References } from '../metric/references.js';
import { trimEnd } from '../text/whitespace.js';
import { chooseTokenizer } from '../tokenizers/choose.js';
import { type TokenizerName, tokensOf } from '../tokenizers/tokenizer.js';
import { camelCase, type Options } from './goldens.js';

export type Request =
  | {
      kind: 'corpus';
      metric: string;
      options: Options;
      hypotheses: string[];
      references: References;
      bootstrap?: number;
    }
  | { kind: 'sentence'; metric: string; options: Options; hypothesis: string; references: (string | null)[] }
  | {
      kind: 'paired';
      test: 'ar' | 'bs';
      metrics: [string, Options][];
      systems: string[][];
      references: References;
      samples: number;
      confidence?: number;
    }
  | { kind: 'tokenize'; tokenizer: string; options?: Options; lines: string[] };

const silent = () => {};

/** The metric by its name; warnings are left out. */
export function metricOf(name: string, options: Options): Metric {
  if (name === 'bleu') return createBleu({ onWarning: silent, ...camelCase(options) });
  return (name === 'chrf' ? createChrf : createTer)(camelCase(options));
}

/** What `describe` of `fixtures/peer.py` tells of a score. */
export function describeScore(score: Score): Record<string, unknown> {
  const { signature, confidence } = score;
  const details = score as unknown as Record<string, unknown>;
  const answer: Record<string, unknown> = {
    score: score.score,
    signature: signature.format(),
    short: signature.format(true),
    text: score.format(),
    lines: [
      score.format({ width: 1, signature: signature.format(true) }),
      score.format({ width: 4, scoreOnly: true }),
      score.format({ width: 3, signature: signature.format(), json: true }),
    ],
    precisions: details.precisions,
    counts: details.counts,
    totals: details.totals,
    bp: details.bp,
    sys_len: details.sysLen,
    ref_len: details.refLen,
    ratio: details.ratio,
    num_edits: details.numEdits,
    ref_length: details.refLength,
    mean: confidence?.mean,
    ci: confidence?.ci,
  };
  return Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
}

export function answerTo(request: Request): unknown {
  if (request.kind === 'corpus') {
    const { metric, options, hypotheses, references, bootstrap } = request;
    return describeScore(metricOf(metric, options).corpusScore(hypotheses, references, { bootstrap }));
  }
  if (request.kind === 'sentence')
    return describeScore(
      metricOf(request.metric, request.options).sentenceScore(request.hypothesis, request.references),
    );
  if (request.kind === 'paired') {
    const metrics = request.metrics.map(([name, options]) => metricOf(name, options));
    return pairedTest({ ...request, metrics }).map(({ name, signature, results }) => ({
      name,
      signature: signature.format(),
      short: signature.format(true),
      results: results.map(({ score, pValue, mean, ci }) => [score, pValue ?? null, mean ?? null, ci ?? null]),
    }));
  }
  const { tokenizer: name, options, lines } = request;
  if (name === 'tercom') return lines.map((line) => tercomWords(trimEnd(line), camelCase(options!) as never));
  const tokenizer = chooseTokenizer(name as TokenizerName, '', silent);
  return lines.map((line) => tokensOf(tokenizer, trimEnd(line)));
}
