/** What the user gets for input that cannot work: one clear error, exit code 2, and earlier results as they were. */
import {
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeMicroRecipe } from './micro.js';
import { type CliResult, runCli, temporaryFolder } from './run-cli.js';

/** Error lines of a result; a second line that is indented belongs to the first. */
const errors = ({ err }: CliResult) => err.split('\n').filter((line) => line.startsWith('error:'));

describe('the command line', () => {
  it.each([
    { args: ['runn', 'x.yaml'], says: 'Did you mean run?' },
    { args: ['run'], says: "missing required argument 'recipe'" },
    { args: ['run', 'x.yaml', '--forse', 'swap'], says: 'Did you mean --force?' },
    { args: ['run', 'nowhere.yaml'], says: 'nowhere.yaml' },
    { args: ['list', 'attentoin'], says: 'did you mean "attention"?' },
    { args: ['describe', 't2r-mpl'], says: 'did you mean "t2r-mlp"?' },
    { args: ['generate', 'nowhere', '-p', 'x'], says: 'there is no folder nowhere' },
    { args: ['generate', '.', '-p', 'x'], says: 'neither a checkpoint' },
    { args: ['generate', '.', '-p', 'x', '--tokens', 'many'], says: 'It must be a whole number' },
    { args: ['report', '.'], says: 'is not the folder of a run' },
  ])('$args gives exit code 2 and says: $says', async ({ args, says }) => {
    const result = await runCli(args);
    expect(result.code).toBe(2);
    expect(result.out).toBe('');
    expect(result.err).toContain(says);
    expect(errors(result)).toHaveLength(1);
    expect(result.err).not.toMatch(/^ +at /m);
  });

  it('shows where an error comes from with --debug', async () => {
    expect((await runCli(['report', '.', '--debug'])).err).toMatch(/^ +at /m);
  });
});

describe('a run', () => {
  it('does not begin with a corpus that is not there', async () => {
    const folder = temporaryFolder();
    const recipe = writeMicroRecipe(folder, (text) =>
      text.replace(/dataset\/synthetic.*\}/, 'dataset/text, train: books/, valid: v.txt, test: v.txt }'),
    );
    const result = await runCli(['run', recipe, '--runs', join(folder, 'runs')]);
    expect(result.code).toBe(2);
    expect(errors(result).join('\n')).toMatch(/micro\.yaml:7:\d+: .*books/);
    expect(existsSync(join(folder, 'runs'))).toBe(false);
  });

  it('does not begin where it cannot write', async () => {
    const folder = temporaryFolder();
    const recipe = writeMicroRecipe(folder);
    writeFileSync(join(folder, 'runs'), 'a file');
    const result = await runCli(['run', recipe, '--runs', join(folder, 'runs')]);
    expect(result.code).toBe(2);
    expect(errors(result)).toHaveLength(1);
    expect(result.err).toContain(`cannot write ${join(folder, 'runs')}`);
  });

  it('stops at a full disk, and goes on with what it has when there is room', async () => {
    const folder = temporaryFolder();
    const recipe = writeMicroRecipe(folder);
    const args = ['run', recipe, '--runs', join(folder, 'runs'), '--until', 'init'];
    const log = join(folder, 'runs/micro/events.jsonl');
    expect((await runCli([...args.slice(0, -1), 'tokenizer'])).code).toBe(0);
    renameSync(log, `${log}.kept`);
    symlinkSync('/dev/full', log);
    const full = await runCli(args);
    expect(full.code).toBe(2);
    expect(errors(full)).toHaveLength(1);
    expect(full.err).toMatch(/no space left on device/);
    expect(full.err).toContain('Free some space');
    rmSync(log);
    renameSync(`${log}.kept`, log);
    const after = await runCli(args);
    expect(after.code).toBe(0);
    expect(after.err).toContain('= tokenizer  kept from an earlier run');
  });

  it('says which checkpoint is truncated, and keeps the others', async () => {
    const folder = temporaryFolder();
    const recipe = writeMicroRecipe(folder);
    const runs = join(folder, 'runs');
    const args = ['run', recipe, '--runs', runs, '--until', 'swap', '--set', 'steps.pretrain.steps=2'];
    expect((await runCli(args)).code).toBe(0);
    const init = readdirSync(join(runs, 'micro')).find((name) => name.startsWith('pretrain-'))!;
    const weights = join(runs, 'micro', init, 'model.safetensors');
    truncateSync(weights, statSync(weights).size - 100);
    const broken = await runCli([...args, '--force', 'swap']);
    expect(broken.code).toBe(2);
    expect(errors(broken)).toHaveLength(1);
    expect(broken.err).toContain(weights);
    expect(broken.err).toMatch(/truncated|bytes/);
    expect(broken.err).toContain('run again with --force pretrain');
    expect(await runCli([...args, '--force', 'pretrain'])).toMatchObject({ code: 0 });
  });
});
