/** What a score was computed with, in the form that papers print beside it: `nrefs:1|case:mixed|eff:no|tok:13a|...`. */
import { VERSION } from '../version.js';

/** One item of a signature: its key, the key's short form, and the value as text. */
export interface SignatureEntry {
  key: string;
  short: string;
  value: string;
}

/** Number of references per segment; `var` where segments have different numbers. */
export type ReferenceCount = number | 'var';

/** What all metrics put in front of their own entries. */
export interface SignatureContext {
  references: ReferenceCount;
  /** Bootstrap resamples behind a confidence interval or a paired test. */
  bootstrap?: number;
  /** Trials of an approximate randomization test. */
  trials?: number;
  /** Seed of the resamples. */
  seed?: string;
}

/** An immutable signature. */
export class Signature {
  readonly entries: readonly SignatureEntry[];

  constructor(context: SignatureContext, own: readonly SignatureEntry[]) {
    const { references, bootstrap, trials, seed } = context;
    const shared = [
      { key: 'nrefs', short: '#', value: references },
      { key: 'bs', short: 'bs', value: bootstrap },
      { key: 'ar', short: 'ar', value: trials },
      { key: 'seed', short: 'rs', value: seed },
    ];
    this.entries = [
      ...shared.flatMap(({ value, ...names }) => (value === undefined ? [] : [{ ...names, value: String(value) }])),
      ...own,
      { key: 'version', short: 'v', value: `sacrebleu-ts-${VERSION}` },
    ];
  }

  /** `key:value` pairs with bars between them. */
  format(short = false): string {
    return this.entries.map((entry) => `${short ? entry.short : entry.key}:${entry.value}`).join('|');
  }

  toString(): string {
    return this.format();
  }
}

/** Booleans as signatures spell them. */
export const yesNo = (value: boolean) => (value ? 'yes' : 'no');
