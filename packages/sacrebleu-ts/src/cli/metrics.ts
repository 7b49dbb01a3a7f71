/** The metrics that a command line asks for. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createBleu } from '../bleu/bleu.js';
import { createChrf } from '../chrf/chrf.js';
import type { Metric } from '../metric/metric.js';
import { createTer } from '../ter/ter.js';
import { usualSignature } from '../tokenizers/choose.js';
import type { Tokenizer } from '../tokenizers/tokenizer.js';
import { failure, UsageError } from './exit.js';
import type { Arguments, MetricName } from './options.js';

/** The tokenizer that a module exports: an object with `tokenize`, or a function. */
async function loadTokenizer(path: string, name: Arguments['tokenize']): Promise<Tokenizer> {
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    throw failure(`Cannot load the tokenizer module ${path}: ${(error as Error).message}`);
  }
  const exported = module.default as Partial<Tokenizer> | Tokenizer['tokenize'] | undefined;
  const tokenize = typeof exported === 'function' ? exported : exported?.tokenize?.bind(exported);
  if (typeof tokenize !== 'function')
    throw failure(
      `The default export of ${path} must be a function (line) => tokens, or an object with one as tokenize.`,
    );
  const own = typeof exported === 'function' ? undefined : exported?.signature;
  const signature = own ?? (name === null ? undefined : usualSignature(name));
  if (signature === undefined)
    throw failure(`The tokenizer of ${path} has no signature. Export one with it, or name it with --tokenize.`);
  return { signature, tokenize };
}

function targetLanguage(pair: string | null): string {
  if (pair === null) return '';
  const language = pair.split('-')[1];
  if (language === undefined)
    throw new UsageError(`argument --language-pair/-l: expected a pair such as en-de, not '${pair}'`);
  return language;
}

/** One metric per name, each name once. */
export async function createMetrics(
  args: Arguments,
  warn: (message: string) => void,
): Promise<Map<MetricName, Metric>> {
  const makers: Record<MetricName, () => Promise<Metric>> = {
    bleu: async () =>
      createBleu({
        lowercase: args.lowercase,
        force: args.force,
        tokenize:
          args.tokenizerModule === null
            ? (args.tokenize ?? undefined)
            : await loadTokenizer(args.tokenizerModule, args.tokenize),
        smoothMethod: args.smoothMethod,
        smoothValue: args.smoothValue,
        effectiveOrder: args.sentenceLevel,
        trgLang: targetLanguage(args.languagePair),
        onWarning: warn,
      }),
    chrf: async () =>
      createChrf({
        charOrder: args.chrfCharOrder,
        wordOrder: args.chrfWordOrder,
        beta: args.chrfBeta,
        lowercase: args.chrfLowercase,
        whitespace: args.chrfWhitespace,
        epsSmoothing: args.chrfEpsSmoothing,
      }),
    ter: async () =>
      createTer({
        normalized: args.terNormalized,
        noPunct: args.terNoPunct,
        asianSupport: args.terAsianSupport,
        caseSensitive: args.terCaseSensitive,
      }),
  };
  const metrics = new Map<MetricName, Metric>();
  for (const name of args.metrics) {
    if (!metrics.has(name)) metrics.set(name, await makers[name]());
  }
  return metrics;
}
