/** Reads a command line as Python's argparse does: long flags may be shortened, values joined by `=` or stuck to short flags. */
import { UsageError } from './exit.js';
import { type Arguments, DEFAULTS, OPTIONS, type OptionSpec } from './options.js';

const BY_NAME = new Map(OPTIONS.flatMap((spec) => spec.names.map((name) => [name, spec] as const)));

const fail = (spec: OptionSpec, message: string) => new UsageError(`argument ${spec.names.join('/')}: ${message}`);

/** A flag on the command line, and what is stuck to it. */
interface Occurrence {
  spec: OptionSpec;
  attached?: string;
}

/** Which flag a word is, if it is one. */
function flagOf(word: string): Occurrence | undefined {
  if (!word.startsWith('-') || word === '-' || /^-\d+$|^-\d*\.\d+$/.test(word)) return undefined;
  const exact = BY_NAME.get(word);
  if (exact !== undefined) return { spec: exact };
  const equals = word.indexOf('=');
  const name = equals < 0 ? word : word.slice(0, equals);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  const named = BY_NAME.get(name);
  if (named !== undefined && value !== undefined) return { spec: named, attached: value };

  const longer = [...BY_NAME.keys()].filter((known) => known.startsWith(name));
  const candidates: Occurrence[] = longer.map((known) => ({ spec: BY_NAME.get(known)!, attached: value }));
  const short = word.startsWith('--') ? undefined : BY_NAME.get(word.slice(0, 2));
  if (short !== undefined) candidates.push({ spec: short, attached: word.slice(2) });
  if (candidates.length > 1) {
    const names = [...new Set(candidates.map(({ spec }) => spec.names[0]))].join(', ');
    throw new UsageError(`ambiguous option: ${word} could match ${names}`);
  }
  if (candidates.length === 1) return candidates[0];
  if (word.includes(' ')) return undefined;
  throw new UsageError(`unrecognized arguments: ${word}`);
}

function convert(spec: OptionSpec, text: string): string | number {
  if (spec.kind === 'integer') {
    if (!/^\s*[+-]?\d+\s*$/.test(text)) throw fail(spec, `invalid int value: '${text}'`);
    return Number(text);
  }
  if (spec.kind === 'number') {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value)) throw fail(spec, `invalid float value: '${text}'`);
    return value;
  }
  if (spec.choices !== undefined && !spec.choices.includes(text))
    throw fail(
      spec,
      `invalid choice: '${text}' (choose from ${spec.choices.map((choice) => `'${choice}'`).join(', ')})`,
    );
  return text;
}

/**
 * Reads the words after the program's name.
 *
 * @throws UsageError
 */
export function parseArguments(words: readonly string[]): Arguments {
  const values: Record<string, unknown> = { ...DEFAULTS, refs: [] };
  const refs: string[] = [];
  let i = 0;
  let onlyReferences = false;

  /** Words from `i` on that are not flags. */
  const takeValues = (most: number): string[] => {
    const taken: string[] = [];
    while (taken.length < most && i < words.length && words[i] !== '--' && flagOf(words[i]!) === undefined)
      taken.push(words[i++]!);
    return taken;
  };
  const take = ({ spec, attached }: Occurrence) => {
    if (spec.kind === 'flag') {
      values[spec.key] = true;
      if (attached === undefined) return;
      // Several flags of one letter in a word: -qb.
      const next = attached === '' || attached.startsWith('-') ? undefined : flagOf(`-${attached}`);
      if (next === undefined) throw fail(spec, `ignored explicit argument '${attached}'`);
      take(next);
      return;
    }
    const many = spec.kind === 'list' || spec.kind === 'some';
    const taken = attached !== undefined ? [attached] : takeValues(many ? Number.POSITIVE_INFINITY : 1);
    if (taken.length === 0 && spec.kind !== 'list')
      throw fail(spec, `expected ${spec.kind === 'some' ? 'at least one' : 'one'} argument`);
    const converted = taken.map((text) => convert(spec, text));
    values[spec.key] = many ? converted : converted[0];
  };

  while (i < words.length) {
    const word = words[i]!;
    const flag = onlyReferences || word === '--' ? undefined : flagOf(word);
    i++;
    if (word === '--' && !onlyReferences) onlyReferences = true;
    else if (flag === undefined) refs.push(word);
    else take(flag);
  }
  const args = { ...values, refs } as unknown as Arguments;
  if (args.pairedAr && args.pairedBs)
    throw new UsageError('argument --paired-bs/-pbs: not allowed with argument --paired-ar/-par');
  if (args.width < 0 || args.width > 100) throw new UsageError('argument --width/-w: must be 0 to 100');
  if (args.numRefs < 1) throw new UsageError('argument --num-refs/-nr: must be at least 1');
  return args;
}
