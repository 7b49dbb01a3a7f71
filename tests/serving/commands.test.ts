/** `t2r generate` with state files, and `t2r serve`, as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { buildLanguageModel, initialWeights } from '@t2r/models';
import { trainByteLevelBpe } from '@t2r/tokenizers';
import { saveCheckpoint } from '@t2r/zoo';
import { afterAll, beforeAll, expect, test } from 'vitest';

const T2R = fileURLToPath(new URL('../../packages/cli/bin/t2r.js', import.meta.url));

let folder: string;
let checkpoint: string;
let other: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-serving-'));
  // No token ends a text.
  const tokenizer = await trainByteLevelBpe(['the cat sat on the mat'], { vocab: 264, specialTokens: [] });
  const tokenizerPath = join(folder, 'trained.json');
  await tokenizer.save(tokenizerPath);
  const model = buildLanguageModel(
    {
      use: 'decoder-lm',
      vocab: tokenizer.vocabSize,
      layers: 2,
      dim: 32,
      heads: 2,
      ffn: 64,
      activation: 'relu',
      norm: 'pre',
      positions: 'sinusoidal',
      maxPositions: 64,
      tieOutput: true,
      scaleEmbedding: false,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.3,
      attention: Array(2).fill({ use: 't2r-mlp', features: 4 }),
    },
    createRegistry([attention]),
  );
  const save = async (name: string, seed: number) => {
    const path = join(folder, name);
    await saveCheckpoint(path, {
      config: { format: 't2r-checkpoint', version: 1, model: model.config },
      weights: initialWeights(model, seed),
      tokenizerPath,
    });
    return path;
  };
  checkpoint = await save('model', 1);
  other = await save('other', 2);
});
afterAll(() => rm(folder, { recursive: true }));

const start = (...args: string[]) => spawn(process.execPath, [T2R, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });

async function ended(child: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  for (const [stream, key] of [[child.stdout!, 'out'] as const, [child.stderr!, 'err'] as const])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said[key] += text;
    });
  const [code] = await once(child, 'close');
  return { code, ...said };
}

const generate = (where: string, ...args: string[]) => ended(start('generate', where, '--json', ...args));
const textOf = ({ out, err }: { out: string; err: string }): string => {
  expect(out, err).not.toBe('');
  return JSON.parse(out).text;
};

const DTYPE = ['--dtype', 'int8'];
const PROMPT = 'the cat sat on the mat';
const TOKENS = 20;
let state: string;
/** What follows the prompt, from the process that wrote the state. */
let expected: string;
beforeAll(async () => {
  state = join(folder, 'read.state');
  const settings = ['--prompt', PROMPT, '--temperature', '0', '--tokens', String(TOKENS)];
  const answer = await generate(checkpoint, ...settings, ...DTYPE, '--save-state', state);
  expect(answer.err).toContain(`${state}: state after`);
  expected = textOf(answer);
});

test('a state file goes on in another process, and is refused by other weights and where a byte is flipped', async () => {
  const bytes = await readFile(state);
  bytes[bytes.length - 100]! ^= 1;
  const damaged = join(folder, 'damaged.state');
  await writeFile(damaged, bytes);
  const settings = ['--temperature', '0', '--tokens', String(TOKENS)];
  const [rest, wrong, exact, flipped] = await Promise.all([
    generate(checkpoint, '--from-state', state, ...DTYPE, ...settings),
    generate(other, '--from-state', state, ...DTYPE),
    generate(checkpoint, '--from-state', state),
    generate(checkpoint, '--from-state', damaged, ...DTYPE),
  ]);
  expect(textOf(rest)).toBe(expected);
  for (const answer of [wrong, exact, flipped]) expect(answer).toMatchObject({ code: 2, out: '' });
  expect(wrong.err).toContain(`${state}: the state is of another model`);
  expect(exact.err).toContain('computed with int8 weights, and the model is opened with fp32');
  expect(flipped.err).toContain(`${damaged}: the state file is damaged`);
});

test('t2r serve answers, and ends what runs at SIGTERM', async () => {
  const server = start('serve', checkpoint, '--port', '0', '--name', 'tiny', ...DTYPE, '--json');
  const exit = ended(server);
  try {
    const [line] = await once(server.stdout!, 'data');
    const started = JSON.parse(line);
    expect(started).toMatchObject({ model: 'tiny', batch: 16, dtype: 'int8' });
    const complete = (body: object) =>
      fetch(`${started.address}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'tiny', prompt: PROMPT, ...body }),
      });
    const answer = await complete({ max_tokens: TOKENS, temperature: 0 });
    expect(await answer.json()).toMatchObject({ choices: [{ text: expected, finish_reason: 'length' }] });

    const running = await complete({ max_tokens: 3000, stream: true, stream_options: { include_usage: true } });
    server.kill('SIGTERM');
    const events = await running.text();
    expect(events).toMatch(/"completion_tokens":3000.*\n\ndata: \[DONE\]\n\n$/s);
    expect(await exit).toMatchObject({ code: 0 });
    await expect(complete({})).rejects.toThrow();
  } finally {
    server.kill('SIGKILL');
  }
});
