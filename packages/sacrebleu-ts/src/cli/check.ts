/** Command lines that ask for something that cannot be. */
import { failure } from './exit.js';
import type { Arguments } from './options.js';

/** Before anything is read. */
export function checkArguments(args: Arguments): void {
  const testSets: [boolean, string][] = [
    [args.download !== null, '--download'],
    [args.list, '--list'],
    [args.citation, '--citation'],
    [args.testSet !== null, '--test-set'],
    [args.echo !== null, '--echo'],
  ];
  const asked = testSets.find(([given]) => given)?.[1];
  if (asked !== undefined) {
    throw failure(
      `${asked}: this program has no test sets and downloads nothing.`,
      "Give the references as files: sacrebleu-ts ref.txt < hyp.txt. Python's `sacrebleu -t SET -l PAIR --echo ref` writes them.",
    );
  }
  if (args.origlang !== null || args.subset !== null)
    throw failure('--origlang and --subset choose from test sets, and this program has none.');
  if (args.sentenceLevel && new Set(args.metrics).size > 1)
    throw failure('Only one metric can be used in sentence-level mode.');
  if (args.numRefs !== 1 && args.refs.length > 1) {
    throw failure(
      'With --num-refs the references are in one file, separated by tabs.',
      `There are ${args.refs.length} files.`,
    );
  }
  if (args.refs.length === 0)
    throw failure('There are no references. Give their files, before -i if there are systems in files too.');
}

/** Once it is known how many systems there are. */
export function checkSystems(args: Arguments, systems: number): void {
  const paired = args.pairedAr || args.pairedBs;
  if (args.sentenceLevel && systems > 1) throw failure('Only one system can be evaluated in sentence-level mode.');
  if (args.sentenceLevel && (args.confidence || paired))
    throw failure('Statistical tests are unavailable in sentence-level mode.');
  if (paired && systems === 1) throw failure('Paired tests require multiple input systems given to --input (-i).');
  if (systems > 1 && args.confidence) throw failure('Use paired tests (--paired) for multiple systems.');
}
