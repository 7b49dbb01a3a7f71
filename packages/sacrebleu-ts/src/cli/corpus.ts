/** Systems and references read side by side, a batch of segments at a time, so that texts need not fit into memory. */
import { trimEnd } from '../text/whitespace.js';
import { EXIT, Exit, failure } from './exit.js';
import { type LineSource, linesOf, openLines } from './lines.js';
import type { Arguments } from './options.js';
import type { Log, Terminal } from './terminal.js';

const BATCH = 2048;

/** One segment: an output per system, and its references. */
export interface Segment {
  outputs: readonly string[];
  references: readonly string[];
}

export interface Corpus {
  /** Names of the systems. */
  names: readonly string[];
  segments(): AsyncGenerator<readonly Segment[]>;
}

/** Outputs of all systems, a list per segment. */
interface Outputs {
  names: string[];
  read(count: number): Promise<string[][]>;
}

/** Systems as columns of standard input, as many as the first line has. */
async function columnsOf(source: LineSource): Promise<Outputs> {
  const [first = ''] = await source.read(1);
  const head = first.split('\t');
  let held: string[][] | undefined = [head];
  return {
    names: head.map((_, i) => `System ${i + 1}`),
    async read(count) {
      const lines = await source.read(held === undefined ? count : count - 1);
      const rows = lines.map((line) => line.split('\t'));
      if (rows.some(({ length }) => length !== head.length)) {
        throw new Exit(EXIT.fields, [
          'FATAL: the number of tab-delimited fields in the input stream differ across lines.',
        ]);
      }
      const all = [...(held ?? []), ...rows];
      held = undefined;
      return all.map((row) => row.map(trimEnd));
    },
  };
}

/** Systems in files of their own. */
async function filesOf(paths: readonly string[], args: Arguments, log: Log): Promise<Outputs> {
  const names: string[] = [];
  for (const path of paths) {
    if (!names.includes(path)) names.push(path);
    else if ((args.pairedAr || args.pairedBs) && path === names[0])
      log.info(`Ignoring '${path}' as it was also given as the baseline.`);
    else throw failure(`'${path}' already used to name a system.`, 'Give every system once.');
  }
  const sources = await Promise.all(
    names.map((path) => openLines(path, { encoding: args.encoding, universalNewlines: false })),
  );
  return { names, read: async (count) => transpose(await readAll(sources, count)) };
}

/** Streams of references, one per file, or columns of one file. */
async function referencesOf(args: Arguments): Promise<(count: number) => Promise<string[][]>> {
  const options = { encoding: args.encoding, universalNewlines: false };
  const sources = await Promise.all(args.refs.map((path) => openLines(path, options)));
  if (args.numRefs === 1) return async (count) => transpose(await readAll(sources, count));
  let line = 0;
  return async (count) => {
    const lines = await sources[0]!.read(count);
    return lines.map((text) => {
      line++;
      const fields = text.split('\t');
      if (fields.length < args.numRefs) {
        const message = `FATAL: line ${line}: expected ${args.numRefs} fields, but found ${fields.length}.`;
        throw new Exit(EXIT.fields, [message]);
      }
      // Further tabs belong to the last reference.
      return [...fields.slice(0, args.numRefs - 1), fields.slice(args.numRefs - 1).join('\t')];
    });
  };
}

const lengthsDiffer = () => failure('System and reference streams have different lengths.');

/** The next lines of several sources, which must have equally many. */
async function readAll(sources: readonly LineSource[], count: number): Promise<string[][]> {
  const columns = await Promise.all(sources.map((source) => source.read(count)));
  if (columns.some(({ length }) => length !== columns[0]!.length)) throw lengthsDiffer();
  return columns;
}

const transpose = (columns: readonly string[][]): string[][] =>
  columns[0]!.map((_, row) => columns.map((column) => column[row]!));

/** Opens everything that the command line names. */
export async function openCorpus(args: Arguments, terminal: Terminal, log: Log): Promise<Corpus> {
  if (args.input !== null && args.input.length === 0) throw failure('There is no file after -i.');
  const readReferences = await referencesOf(args);
  const outputs =
    args.input === null
      ? await columnsOf(linesOf('standard input', terminal.stdin, { encoding: args.encoding, universalNewlines: true }))
      : await filesOf(args.input, args, log);
  return {
    names: outputs.names,
    async *segments() {
      for (let done = 0; ; ) {
        const [rows, references] = await Promise.all([outputs.read(BATCH), readReferences(BATCH)]);
        if (rows.length !== references.length) throw lengthsDiffer();
        if (rows.length === 0) {
          if (done === 0) throw failure('There are no sentences.');
          return;
        }
        done += rows.length;
        yield rows.map((row, i) => ({ outputs: row, references: references[i]! }));
        if (rows.length < BATCH) return;
      }
    },
  };
}
