/** The command line: its verbs and options. Each command's code is imported when it is called, so that starting is quick. */
import { readFile } from 'node:fs/promises';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, reportFailure } from './failure.js';
import { processTerminal, type Terminal } from './terminal.js';

/** Runs a command line (without `node` and the script) and gives the exit code. Never throws. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let exitCode: number = EXIT.ok;
  const debug = args.includes('--debug');
  try {
    const program = await createProgram(terminal, debug, (code) => {
      exitCode = code;
    });
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already said what is wrong; asking for help or the version is not a mistake.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportFailure(error, terminal, debug);
  }
}

/** The program; `finish` receives the exit code of the command that ran. */
async function createProgram(terminal: Terminal, debug: boolean, finish: (code: number) => void): Promise<Command> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const program = new Command('t2r')
    .description('Turns pretrained transformers into recurrent networks, from one recipe.')
    .version(version)
    .option('--debug', 'show stack traces')
    .showHelpAfterError("Run 't2r --help' for the commands.")
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) });

  const command = (usage: string, description: string) =>
    program
      .command(usage)
      .description(description)
      .addOption(new Option('--debug', 'show stack traces'))
      .showHelpAfterError(`Run 't2r help ${usage.split(' ')[0]}' for its options.`);

  command('run <recipe>', 'run what has no result yet')
    .option('--set <path=value>', 'override a value of the recipe; may be repeated', collect, [])
    .option('--runs <folder>', 'folder that holds the run folders', 'runs')
    .option('--force <step>', 'run this step again although it has a result; may be repeated', collect, [])
    .option('--until <step>', 'run only this step and what it needs')
    .option('--json', 'print the results as JSON')
    .option('--quiet', 'no progress')
    .option('--verbose', "show the steps' notes too")
    .action(async (recipe, options) => {
      const { runCommand } = await import('./commands/run.js');
      finish(await runCommand(recipe, options, terminal, debug));
    });
  command('validate <recipes...>', 'check recipes without running them')
    .option('--set <path=value>', 'override a value of the recipes; may be repeated', collect, [])
    .option('--json', 'print the problems as JSON')
    .action(async (recipes, options) => {
      const { validateCommand } = await import('./commands/validate.js');
      finish(await validateCommand(recipes, options, terminal));
    });
  command('plan <recipe>', 'what each step would do and cost')
    .option('--set <path=value>', 'override a value of the recipe; may be repeated', collect, [])
    .option('--runs <folder>', 'folder that holds the run folders', 'runs')
    .option('--gpu <name>', 'also show GPU hours: t4, v100, a100, l4, rtx-4090 or h100 (v100 where steps are large)')
    .option('--json', 'print the plan as JSON')
    .action(async (recipe, options) => {
      const { planCommand } = await import('./commands/plan.js');
      finish(await planCommand(recipe, options, terminal));
    });
  command('list [kind]', 'the components a recipe can use')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print them as JSON')
    .action(async (kind, options) => {
      const { listCommand } = await import('./commands/list.js');
      finish(await listCommand(kind, options, terminal));
    });
  command('describe <component>', 'a component and its options: train/lm, or attention/t2r-mlp')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print its JSON Schema')
    .action(async (name, options) => {
      const { describeCommand } = await import('./commands/describe.js');
      finish(await describeCommand(name, options, terminal));
    });
  command('schema', 'the JSON Schema of recipes, for editors')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .action(async (options) => {
      const { schemaCommand } = await import('./commands/schema.js');
      finish(await schemaCommand(options, terminal));
    });
  command('generate <checkpoint>', 'text from a checkpoint folder, or from <run folder>:<step>')
    .option(
      '-p, --prompt <text>',
      'text to go on from (default: standard input); with --beam may be repeated',
      collect,
      [],
    )
    .option('-n, --tokens <count>', 'tokens to generate at most', wholeNumber, 200)
    .option(
      '-t, --temperature <number>',
      'below 1 more likely tokens are preferred; 0 always takes the likeliest',
      number,
      0.8,
    )
    .option('--top-k <count>', 'draw from the k likeliest tokens', wholeNumber)
    .option('--top-p <number>', 'draw from the likeliest tokens that have this probability together', number)
    .option('--seed <number>', 'seed of the draws', wholeNumber, 1)
    .option('--beam <count>', 'search the likeliest text with this many hypotheses, instead of drawing', wholeNumber)
    .option('--dtype <name>', 'how weights are stored: fp32, fp16, int8 or int4', 'fp32')
    .option('--save-state <file>', 'write the state after the prompt, which later texts can go on from')
    .option('--from-state <file>', 'go on from a saved state; a prompt follows it')
    .option('--nbest <count>', 'with --beam: show so many of the best', wholeNumber, 1)
    .option('--length-penalty <number>', 'with --beam: exponent of the length that scores are divided by', number, 1)
    .option('--no-repeat-ngram <count>', 'with --beam: no n tokens in a row occur twice', wholeNumber, 0)
    .option('--engine <name>', 'engine to compute with', 'onnx')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print text and figures as JSON when done')
    .action(async (checkpoint, options) => {
      if (options.beam === undefined) {
        const { generateCommand } = await import('./commands/generate.js');
        finish(await generateCommand(checkpoint, options, terminal));
        return;
      }
      const { generateBeamCommand } = await import('./commands/generate-beam.js');
      finish(await generateBeamCommand(checkpoint, options, terminal));
    });
  command('serve <checkpoint>', 'an HTTP server with an OpenAI-compatible /v1/completions')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 takes a free one', wholeNumber, 8000)
    .option('--token <text>', 'bearer token that requests must carry (default: T2R_TOKEN, or none)')
    .option('--name <name>', "the model's name in requests (default: the checkpoint as it is given)")
    .option('--batch <count>', 'sequences that are decoded side by side', positiveNumber, 16)
    .option('--max-tokens <count>', 'new tokens that a request may ask for', positiveNumber, 4096)
    .option('--dtype <name>', 'how weights are stored: fp32, fp16, int8 or int4', 'fp32')
    .option('--queue <count>', 'sequences that may wait; more get status 429', wholeNumber, 256)
    .option('--drain <seconds>', 'time that running requests have at the end', wholeNumber, 30)
    .option('--engine <name>', 'engine to compute with', 'onnx')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print the address as JSON')
    .action(async (checkpoint, options) => {
      const { serveCommand } = await import('./commands/serve.js');
      finish(await serveCommand(checkpoint, options, terminal));
    });
  command('translate <checkpoint>', 'sentences on standard input, one a line, to translations on standard output')
    .option('--beam <count>', 'hypotheses that are followed', wholeNumber, 5)
    .option('--lenpen <number>', 'exponent of the length that scores are divided by', number, 1)
    .option('--nbest <count>', 'show so many of the best, with line number and score', wholeNumber, 1)
    .option('--batch <tokens>', 'tokens of the sentences that are translated together', wholeNumber, 4096)
    .option('--max-source <tokens>', 'longest sentence', wholeNumber, 1024)
    .option('--max-tokens <count>', 'longest translation', wholeNumber, 200)
    .option('--skip-bad', 'leave out lines that cannot be translated; each gives an empty line')
    .option('--engine <name>', 'engine to compute with', 'onnx')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print a JSON object a line')
    .action(async (checkpoint, options) => {
      const { translateCommand } = await import('./commands/translate.js');
      finish(await translateCommand(checkpoint, options, terminal));
    });
  command('score <checkpoint>', 'log-probabilities of given translations, one a line (BLEU: npx sacrebleu-ts)')
    .requiredOption('--source <file>', 'sentences, one a line')
    .requiredOption('--target <file>', 'their translations')
    .option('--skip-bad', 'leave out pairs of lines that cannot be scored; each gives an empty line')
    .option('--engine <name>', 'engine to compute with', 'onnx')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print a JSON object a line')
    .action(async (checkpoint, options) => {
      const { scoreCommand } = await import('./commands/score.js');
      finish(await scoreCommand(checkpoint, options, terminal));
    });
  command('inspect <checkpoint>', 'what a checkpoint file, folder or <run folder>:<step> holds, and what T2R would add')
    .option('--tensors', 'list the tensors')
    .option(
      '--features <count>',
      'features a head of the conversion that is reckoned with (default: 32; of translation models 4, and 32 in cross-attention)',
      positiveNumber,
    )
    .option('--position <number>', 'position at which the cache is compared', positiveNumber, 1024)
    .option('--plugin <name>', 'attention variants that the checkpoint needs; may be repeated', collect, [])
    .option('--json', 'print everything as JSON')
    .action(async (checkpoint, options) => {
      const { inspectCommand } = await import('./commands/inspect.js');
      finish(await inspectCommand(checkpoint, options, terminal));
    });
  command('export <checkpoint>', 'ONNX files of a checkpoint folder, or of <run folder>:<step>, for any ONNX Runtime')
    .requiredOption('--to <folder>', 'folder to write')
    .option('--dtype <name>', 'how weights are stored: fp32, fp16, int8 or int4', 'fp32')
    .option('--batch <count>', 'sequences side by side (default: 1)', positiveNumber)
    .option('--chunk <count>', 'positions that are read at once (default: 128)', positiveNumber)
    .option('--capacity <count>', 'positions that softmax caches have room for (default: 1024)', positiveNumber)
    .option('--source <count>', 'tokens of a source at most, of translation models (default: 128)', positiveNumber)
    .option('--text <file>', 'text to compare on (default: a test set of the run, or what the model writes)')
    .option('--name <text>', 'name of the model (default: run and step)')
    .option('--force', 'replace an export that is in the folder')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print config.json and the comparison as JSON')
    .action(async (checkpoint, options) => {
      const { exportCommand } = await import('./commands/export.js');
      finish(await exportCommand(checkpoint, options, terminal));
    });
  command('bench [models...]', 'speed and memory against length: checkpoints, runs, recipes, or a shape by its numbers')
    .option(
      '--attention <variant>',
      'also that shape with random weights and this attention: t2r-mlp:features=64; may be repeated',
      collect,
      [],
    )
    .option('--cross <variant>', 'attention to the source for each --attention (default: the same)', collect, [])
    .option('--layers <count>', 'layers of the shape (default: 6)', positiveNumber)
    .option('--dim <width>', 'its width (default: 512)', positiveNumber)
    .option('--heads <count>', 'its heads (default: 8)', positiveNumber)
    .option('--ffn <width>', 'width of its feed-forward blocks (default: four times that of the model)', positiveNumber)
    .option('--vocab <count>', 'its vocabulary (default: 16384)', positiveNumber)
    .option('--lengths <list>', 'lengths, with commas (default: 128 to 65536, of translation 64 to 2048)', numberList)
    .option('--batch <list>', 'sequences side by side, with commas', numberList, [1])
    .option('--rounds <count>', 'rounds over the lengths (default: 20, of translation 3)', positiveNumber)
    .option('--tokens <count>', 'tokens timed at a length in each round', positiveNumber, 10)
    .option('--read-seconds <seconds>', 'prompts that would take longer are not read', number, 20)
    .option('--memory-tokens <count>', 'tokens that recurrent models decode while memory is watched', wholeNumber, 0)
    .option('--seed <number>', 'seed of random tokens', wholeNumber, 1)
    .option('--html <file>', 'write the curves as a page')
    .option('--engine <name>', 'engine to compute with', 'onnx')
    .option('--plugin <name>', 'more components: an npm package or a file; may be repeated', collect, [])
    .option('--json', 'print all figures as JSON')
    .action(async (models, options) => {
      const { benchCommand } = await import('./commands/bench.js');
      finish(await benchCommand(models, options, terminal));
    });
  command('report <run>', 'build the report of a run folder again')
    .option('--title <text>', 'heading of the page')
    .option('--baseline <step>', 'checkpoint that perplexities are compared with')
    .action(async (folder, options) => {
      const { reportCommand } = await import('./commands/report.js');
      finish(await reportCommand(folder, options, terminal));
    });
  return program;
}

/** Gathers a repeated option into a list. */
function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 0.');
  return Number(text);
}

function positiveNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number, at least 1.');
  return Number(text);
}

function numberList(text: string): number[] {
  return text.split(',').map(positiveNumber);
}
