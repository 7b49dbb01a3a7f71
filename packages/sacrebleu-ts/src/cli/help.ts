/** What `--help` prints. */
import { OPTION_GROUPS, type OptionSpec } from './options.js';

export const USAGE =
  'usage: sacrebleu-ts [options] reference... < hypotheses\n       sacrebleu-ts [options] reference... -i system...';

const PLACEHOLDERS: Record<OptionSpec['kind'], string> = {
  flag: '',
  text: ' <value>',
  integer: ' <n>',
  number: ' <x>',
  list: ' <file>...',
  some: ' <name>...',
};

function describe({ names, kind, choices, help }: OptionSpec): string {
  const left = `  ${names.join(', ')}${PLACEHOLDERS[kind]}`;
  const right = choices === undefined ? help : `${help} One of ${choices.join(', ')}.`;
  return left.length < 34 ? `${left.padEnd(34)}${right}` : `${left}\n${' '.repeat(34)}${right}`;
}

export function helpText(): string {
  const groups = OPTION_GROUPS.map(({ title, options }) => `${title}:\n${options.map(describe).join('\n')}`);
  return `${USAGE}

BLEU, chrF and TER with the numbers and signatures of sacreBLEU 2.6.0. References are files of a sentence a line; one
file per reference. Files whose names end in .gz are unpacked.

${groups.join('\n\n')}

Environment: SACREBLEU_FORMAT overrides --format; SACREBLEU_SEED is the seed of resampling (default 12345; none for a
new one each time); NO_COLOR turns colours off.
Exit codes: 0 done, 1 something is wrong with the input, 2 with the command line, 17 with the number of fields in a line.
`;
}
