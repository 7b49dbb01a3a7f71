import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import picocolors from 'picocolors';
import { expect, it } from 'vitest';
import { main } from '../main.js';
import type { Terminal } from '../terminal.js';

/** Runs a command line and keeps what it says. */
async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const keep = (stream: 'out' | 'err') => (text: string) => {
    said[stream] += text;
  };
  const terminal: Terminal = {
    out: keep('out'),
    err: keep('err'),
    live: false,
    colors: picocolors.createColors(false),
    stdin: async () => undefined,
    stdinBytes: () => undefined,
    env: {},
  };
  const code = await main(args, terminal);
  return { code, ...said };
}

it('tells what is wrong with the command line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 't2r-export-command-'));
  try {
    await writeFile(join(folder, 'config.json'), '{}');
    const to = join(folder, 'to');
    const kind = await run('export', folder, '--to', to, '--dtype', 'int7');
    expect(kind).toMatchObject({ code: 2, out: '' });
    expect(kind.err).toContain('--dtype int7 is not known\n  Expected one of fp32, fp16, int8, int4.');
    expect(await run('export', folder)).toMatchObject({ code: 2 });
    const checkpoint = await run('export', folder, '--to', to);
    expect(checkpoint.code).toBe(2);
    expect(checkpoint.err).toContain('is not the config.json of a checkpoint');
    expect((await run('export', join(folder, 'none'), '--to', to)).err).toContain('there is no folder');
  } finally {
    await rm(folder, { recursive: true });
  }
});
