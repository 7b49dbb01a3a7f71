/** The command `sacrebleu-ts`. */
import { SacrebleuError } from '../errors.js';
import { VERSION } from '../version.js';
import { parseArguments } from './arguments.js';
import { checkArguments } from './check.js';
import { evaluate } from './evaluate.js';
import { EXIT, Exit, UsageError } from './exit.js';
import { helpText, USAGE } from './help.js';
import { type Arguments, OUTPUT_FORMATS, type OutputFormat } from './options.js';
import { createLog, processTerminal, type Terminal } from './terminal.js';

/** Runs a command line (without `node` and the script) and gives the exit code. */
export async function main(words: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let args: Arguments | undefined;
  try {
    args = parseArguments(words);
    if (args.help || args.version) {
      terminal.out(args.help ? helpText() : `sacrebleu-ts ${VERSION}\n`);
      return EXIT.ok;
    }
    const format = terminal.env.SACREBLEU_FORMAT?.toLowerCase() as OutputFormat | undefined;
    if (format !== undefined && OUTPUT_FORMATS.includes(format)) args.format = format;
    checkArguments(args);
    await evaluate(args, terminal, createLog(terminal, args.quiet));
    return EXIT.ok;
  } catch (error) {
    const log = createLog(terminal, args?.quiet ?? false);
    if (error instanceof UsageError) {
      terminal.err(`${USAGE}\nsacrebleu-ts: error: ${error.message}\n`);
      return EXIT.usage;
    }
    if (error instanceof Exit) {
      for (const line of error.lines) log.problem(line);
      return error.code;
    }
    if (error instanceof SacrebleuError) {
      log.problem(error.message);
      return EXIT.error;
    }
    throw error;
  }
}
