/** A score with its confidence interval, and the lines it is printed as. */
import { Float, type JsonValue, toPythonJson } from '../text/python-json.js';
import { formatFixed } from '../text/python-number.js';
import type { Signature } from './signature.js';

/** A 95 % confidence interval from bootstrap resamples. */
export interface Confidence {
  /** Mean of the resampled scores. */
  mean: number;
  /** Half the width of the interval. */
  ci: number;
}

export interface FormatOptions {
  /** Digits after the point, 0 to 100. */
  width?: number;
  /** Only the number, with its confidence interval if there is one. */
  scoreOnly?: boolean;
  /** Text to put behind the name, `BLEU|nrefs:1|... = 27.34`; `score.signature.format()` as a rule. */
  signature?: string;
  /** A JSON object instead of a line; the signature's items become keys of it. */
  json?: boolean;
}

/** Base of `BleuScore`, `ChrfScore` and `TerScore`. */
export class Score {
  /** Bootstrap estimate, where one was asked for. */
  confidence?: Confidence;

  constructor(
    /** `BLEU`, `chrF2`, `chrF2++`, `TER`, ... */
    readonly name: string,
    /** Usually 0 to 100; TER has no upper bound. */
    readonly score: number,
    readonly signature: Signature,
    /** What is printed behind the number: precisions, brevity penalty, lengths. */
    readonly verbose = '',
  ) {}

  /** The score as sacreBLEU prints it: `BLEU = 27.34 80.0/50.0/16.7/12.5 (BP = 0.905 ratio = ...)`. */
  format({ width = 2, scoreOnly = false, signature = '', json = false }: FormatOptions = {}): string {
    const shown = formatFixed(this.score, width);
    const interval = this.#formatConfidence(width);
    const number = interval === undefined ? shown : `${shown} (${interval.text})`;
    if (scoreOnly) return number;
    if (!json) {
      const name = signature === '' ? this.name : `${this.name}|${signature}`;
      return `${name} = ${number}${this.verbose === '' ? '' : ` ${this.verbose}`}`;
    }
    const object: Record<string, JsonValue> = { name: this.name, score: new Float(Number(shown)), signature };
    if (interval !== undefined) {
      object.confidence_mean = new Float(Number(interval.mean));
      object.confidence_var = new Float(Number(interval.ci));
      object.confidence = interval.text;
    }
    if (this.verbose !== '') object.verbose_score = this.verbose;
    for (const item of signature.split('|').filter((part) => part !== '')) {
      const [key, value] = item.split(':') as [string, string];
      object[key] = value;
    }
    return toPythonJson(object, { indent: 1 });
  }

  /** As the original, which takes a mean of 0 for none. */
  #formatConfidence(width: number): { mean: string; ci: string; text: string } | undefined {
    if (this.confidence === undefined || !(this.confidence.mean > 0)) return undefined;
    const mean = formatFixed(this.confidence.mean, width);
    const ci = formatFixed(this.confidence.ci, width);
    return { mean, ci, text: `μ = ${mean} ± ${ci}` };
  }

  toString(): string {
    return this.format();
  }
}
