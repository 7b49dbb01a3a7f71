/** Answers of Python's sacreBLEU, and what makes ours comparable with them. */
import { readFileSync } from 'node:fs';
import { createBleu, createChrf, createTer, type Metric, type Score } from '../index.js';

/** A fixture by its name. */
export const readFixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));

/** Signatures and JSON without the version, which differs. */
export const withoutVersion = (text: string) =>
  text.replace(/\b(version|v):[-\w.]+/g, '$1:').replace(/"(version|v)": "[-\w.]+"/g, '"$1": ""');

type Options = Record<string, unknown>;

/** `smooth_method` becomes `smoothMethod`. */
export const camelCase = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]),
  );

/** The metric that a request of `fixtures/peer.py` names; warnings are left out. */
export function metricOf(name: string, options: Options): Metric {
  if (name === 'bleu') return createBleu({ onWarning: () => {}, ...camelCase(options) }) as Metric;
  return (name === 'chrf' ? createChrf : createTer)(camelCase(options)) as Metric;
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

/** Strings anywhere in an answer without their versions. */
export function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (_, value) => (typeof value === 'string' ? withoutVersion(value) : value));
}
