/**
 * Training that is killed, interrupted and run again ends with the bits of training that was left alone. The command line
 * runs as a process of its own here, as it was built last (`npm test` builds first), because only a process can be killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { writeMicroRecipe } from './micro.js';
import { temporaryFolder } from './run-cli.js';

const T2R = fileURLToPath(new URL('../../packages/cli/bin/t2r.js', import.meta.url));

/** A running command line; `ended` gives its exit code and signal, and what it wrote to stderr. */
function start(args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [T2R, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let err = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = new Promise<{ code: number | null; signal: string | null; err: string }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, err }));
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return { child, ended };
}

/** Folder of the training step, once there is one. */
function trainingFolder(runs: string): string | undefined {
  const run = join(runs, 'micro');
  const name = existsSync(run) ? readdirSync(run).find((entry) => entry.startsWith('pretrain-')) : undefined;
  return name === undefined ? undefined : join(run, name);
}

/** Waits until training has written a checkpoint past a step, and gives that checkpoint's step. */
async function untilPast(step: number, runs: string, { child }: ReturnType<typeof start>): Promise<number> {
  for (;;) {
    const resume = join(trainingFolder(runs) ?? '', 'resume');
    const saved = existsSync(resume) ? readdirSync(resume) : [];
    const last = Math.max(-1, ...saved.flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? []).map(Number));
    if (last > step) return last;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`training ended before step ${step}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('goes on after SIGKILL and after SIGINT to the bits of an uninterrupted run', async () => {
  const folder = temporaryFolder();
  const recipe = writeMicroRecipe(folder, (text) =>
    text
      .replace('attention: { use: softmax }', 'dropout: 0.1, attention: { use: softmax }')
      .replace(
        'steps: 30, evaluate: { every: 10 }',
        'steps: 150, evaluate: { every: 40 }, save: { every: 5 }, keep: best',
      ),
  );
  const args = (runs: string) => ['run', recipe, '--runs', runs, '--until', 'pretrain', '--verbose'];
  const whole = join(folder, 'whole');
  const broken = join(folder, 'broken');
  expect(await start(args(whole)).ended).toMatchObject({ code: 0 });

  const killed = start(args(broken));
  await untilPast(0, broken, killed);
  killed.child.kill('SIGKILL');
  // At once: neither the lock nor anything half written may be in the way.
  const interrupted = start(args(broken));
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  await untilPast(45, broken, interrupted);
  interrupted.child.kill('SIGINT');
  const { code, err } = await interrupted.ended;
  expect(code).toBe(130);
  expect(err).toMatch(/resumed at step \d+ of 150/);
  expect(err).toMatch(/SIGINT: stopping/);
  expect(err).toContain('Run the same command again');

  const last = await start(args(broken)).ended;
  expect(last).toMatchObject({ code: 0 });
  expect(Number(/resumed at step (\d+)/.exec(last.err)?.[1])).toBeGreaterThan(45);
  const files = readdirSync(trainingFolder(whole)!).sort();
  expect(readdirSync(trainingFolder(broken)!).sort()).toEqual(files);
  const weights = (runs: string) => readFileSync(join(trainingFolder(runs)!, 'model.safetensors'));
  expect(weights(broken).equals(weights(whole))).toBe(true);
});
