/** `dataset/archive` on archives that Python's zipfile made (__fixtures__/make-archives.py), from folders and a local server. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { hashFile } from '@t2r/core';
import { readText } from '@t2r/tokenizers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { check, createStep, createStepRunner, paths } from './testing/step-runner.js';
import { unpackMembers } from './unpack.js';
import { zipMembers } from './unzip.js';

const fixture = (name: string) => join(import.meta.dirname, '__fixtures__', name);
const content = readFileSync(fixture('words.zip'));
const names = { train: 'words/train.tokens', valid: 'words/valid.tokens', test: ['words/test.tokens'] };
const train = Array.from({ length: 2000 }, (_, i) => ` line ${i} of the training text \n`).join('');

const runner = createStepRunner();
let server: Server;
let mirror: string;
let sha256: string;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

/** Options that read nothing from outside a folder. */
const options = (given: object = {}) => ({ archive: 'data/words v1.zip', sha256, ...names, ...given });

beforeAll(async () => {
  sha256 = await hashFile(fixture('words.zip'));
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/below`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  runner.dispose();
});
beforeEach(() => {
  requests = [];
  answer = (_, response) => response.end(content);
});

/** A folder below the runner's with some files in it. */
async function folderWith(name: string, files: Record<string, Buffer | string>): Promise<string> {
  const folder = join(runner.folder, name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const textOf = async (path: string) => {
  let text = '';
  for await (const piece of readText(path)) text += piece;
  return text;
};

describe('dataset/archive', () => {
  it('downloads, unpacks what is asked for and nothing else, and lets the archive go', async () => {
    const given = options({ mirror: `${mirror}/` });
    expect(await check('dataset/archive', given)).toEqual([]);
    const corpus = await runner.run('downloaded', 'dataset/archive', given);
    expect(requests.map(({ url }) => url)).toEqual(['/below/data/words%20v1.zip']);
    expect(paths(corpus, 'train')).toEqual([join(corpus.folder, 'words/train.tokens')]);
    expect(await textOf(paths(corpus, 'train')[0]!)).toBe(train);
    expect(await textOf(paths(corpus, 'valid')[0]!)).toBe(' = Héading = \n \n');
    expect(await textOf(paths(corpus, 'test')[0]!)).toBe(' the test \n');
    expect(readdirSync(join(corpus.folder, 'words')).sort()).toEqual(['test.tokens', 'train.tokens', 'valid.tokens']);
    expect(readdirSync(join(corpus.folder, 'data'))).toEqual([]);
    expect(corpus.metrics).toEqual({ 'train.files': 1, 'valid.files': 1, 'test.files': 1 });
  });

  it('goes on with an interrupted download in a later run', async () => {
    const folder = await folderWith('interrupted', { 'data/words v1.zip.part': content.subarray(0, 3000) });
    answer = (request, response) => {
      expect(request.headers.range).toBe('bytes=3000-');
      response.writeHead(206).end(content.subarray(3000));
    };
    const corpus = await runner.run('resumed', 'dataset/archive', options({ url: `${mirror}/x.zip` }), { folder });
    expect(await textOf(paths(corpus, 'train')[0]!)).toBe(train);
  });

  it('does not unpack again what an interrupted run has unpacked', async () => {
    const { folder } = runner.artifacts.downloaded!;
    await runner.run('again', 'dataset/archive', options({ mirror }), { folder });
    expect(requests).toEqual([]);
  });

  it('tries one address after the other', async () => {
    answer = ({ url }, response) => {
      if (url === '/below/gone.zip') response.writeHead(301).end();
      else if (url === '/below/other.zip') response.end('something else');
      else response.end(content);
    };
    const url = [`${mirror}/other.zip`, `${mirror}/words.zip`, `${mirror}/unneeded.zip`];
    const given = options({ archive: 'gone.zip', mirror, url });
    expect(await check('dataset/archive', given)).toEqual([]);
    const corpus = await runner.run('addresses', 'dataset/archive', given);
    expect(requests.map((request) => request.url)).toEqual(['/below/gone.zip', '/below/other.zip', '/below/words.zip']);
    expect(await textOf(paths(corpus, 'test')[0]!)).toBe(' the test \n');
    expect(runner.messages.filter((message) => message.startsWith('warning'))).toEqual([
      expect.stringMatching(/gone\.zip: the server answered 301 .*; trying the next address/),
      expect.stringMatching(/other\.zip has another content than expected: .*; trying the next address/),
    ]);
  });

  it('says what it cannot download, and keeps nothing of it', async () => {
    answer = (_, response) => response.end('something else');
    const folder = await folderWith('wrong', {});
    const run = (given: object) => runner.run('wrong', 'dataset/archive', options(given), { folder });
    await expect(run({ mirror })).rejects.toThrow(/words%20v1\.zip has another content than expected: SHA-256/);
    answer = (_, response) => response.writeHead(404).end();
    await expect(run({ url: `${mirror}/x.zip` })).rejects.toThrow(/x\.zip: the server answered 404/);
    expect(readdirSync(join(folder, 'data'))).toEqual([]);
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(runner.run('stopped', 'dataset/archive', options({ mirror }), { signal })).rejects.toThrow('stop');
  });

  it('takes an archive that lies in a folder, and leaves it there', async () => {
    const root = await folderWith('root', { 'data/words v1.zip': content });
    expect(await check('dataset/archive', options({ root, mirror }))).toEqual([]);
    const corpus = await runner.run('local', 'dataset/archive', options({ root, mirror }));
    expect(paths(corpus, 'train')).toEqual([join(corpus.folder, 'words/train.tokens')]);
    expect(existsSync(join(root, 'data/words v1.zip'))).toBe(true);
    expect(requests).toEqual([]);
    // The content is the same wherever it comes from, so what depends on it is not run again.
    const fingerprint = (given: object) => createStep('dataset/archive', options(given)).fingerprint!();
    expect(await fingerprint({ root })).toBe(await fingerprint({ mirror }));
  });

  it('takes members that were unpacked already, by their content', async () => {
    const files = { 'words/train.tokens': train, 'words/valid.tokens': 'v', 'words/test.tokens': 't' };
    const root = await folderWith('unpacked', files);
    expect(await check('dataset/archive', options({ root }))).toEqual([]);
    const corpus = await runner.run('unpacked', 'dataset/archive', options({ root }));
    expect(paths(corpus, 'test')).toEqual([join(root, 'words/test.tokens')]);
    const step = createStep('dataset/archive', options({ root }));
    const before = await step.fingerprint!();
    writeFileSync(join(root, 'words/test.tokens'), 'u');
    expect(await step.fingerprint!()).not.toBe(before);
    writeFileSync(join(root, 'words/test.tokens'), '');
    const [empty] = await check('dataset/archive', options({ root }));
    expect(empty).toMatchObject({ path: ['test', 0], message: expect.stringMatching(/test\.tokens is empty/) });
  });

  it('finds before anything runs what a folder lacks', async () => {
    const problems = async (given: object) => (await check('dataset/archive', options(given)))[0];
    const message = (text: RegExp) => expect.stringMatching(text);
    expect(await problems({ root: join(runner.folder, 'nowhere') })).toMatchObject({
      path: ['root'],
      message: message(/no such folder: .*nowhere/),
    });
    expect(await problems({ root: await folderWith('empty', { x: '' }) })).toMatchObject({
      message: message(/empty does not hold data\/words v1\.zip, nor words\/train\.tokens, words\/valid\.tokens/),
    });
    // With an address, such a folder is no mistake: the archive is downloaded.
    const addressed = { root: join(runner.folder, 'empty'), url: 'https://example.org/a.zip' };
    expect(await problems(addressed)).toBeUndefined();
    expect(await problems({ root: await folderWith('partly', { 'words/train.tokens': train }) })).toMatchObject({
      message: message(/partly does not hold words\/valid\.tokens, words\/test\.tokens/),
    });
    const truncated = await folderWith('truncated', { 'data/words v1.zip': content.subarray(0, 4000) });
    expect(await problems({ root: truncated })).toMatchObject({
      message: message(/has another content than expected/),
    });
    await expect(runner.run('x', 'dataset/archive', options({ root: truncated }))).rejects.toThrow(/another content/);
    const root = join(runner.folder, 'root');
    expect(await problems({ root, valid: 'words/dev.tokens' })).toMatchObject({
      path: ['valid'],
      message: message(/has no member words\/dev\.tokens/),
      hint: 'members: words/train.tokens, words/valid.tokens, words/test.tokens',
    });
    await expect(runner.run('x', 'dataset/archive', options({ root, valid: 'words/dev.tokens' }))).rejects.toThrow(
      /has no member words\/dev\.tokens/,
    );
    expect(await problems({})).toMatchObject({ path: ['root'], message: message(/nowhere to take the archive from/) });
    expect(await problems({ mirror: 'example.org' })).toMatchObject({ path: ['mirror'] });
    expect(await problems({ url: ['https://example.org/a.zip', 'ftp://b'] })).toMatchObject({ path: ['url', 1] });
  });

  it('refuses names that lead out of the folder', () => {
    for (const name of ['../x', '/etc/x', 'a/../../x', 'a\\b']) {
      expect(() => createStep('dataset/archive', options({ train: name }))).toThrow(/relative path/);
      expect(() => createStep('dataset/archive', options({ archive: name }))).toThrow(/relative path/);
    }
  });
});

describe('an archive that has the checksum asked for', () => {
  let tries = 0;
  const unpack = async (archive: string, name: string) => {
    const folder = await folderWith(`unpack-${tries++}`, { x: '' });
    await expect(unpackMembers(archive, [name], join(folder, 'inner'))).rejects.toThrow(/cannot be unpacked: /);
    // Nothing was written, neither inside nor beside the folder.
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile()).map((entry) => entry.name)).toEqual(['x']);
  };

  it('gives the sizes of its members, folders left out', async () => {
    const sizes = new Map([
      ['words/train.tokens', train.length],
      ['words/valid.tokens', 17],
      ['words/test.tokens', 11],
    ]);
    expect(await zipMembers(fixture('words.zip'))).toEqual(sizes);
  });

  it('may be cut off, encrypted, damaged, or no archive at all', async () => {
    const folder = await folderWith('damaged', {
      'cut.zip': content.subarray(0, 4000),
      'none.zip': 'not a zip archive, but long enough to be one',
      // Inside the deflated stream of the first member.
      'damaged.zip': Buffer.concat([content.subarray(0, 200), Buffer.alloc(3000, 0xff), content.subarray(3200)]),
    });
    for (const name of ['cut.zip', 'none.zip', 'damaged.zip']) await unpack(join(folder, name), 'words/train.tokens');
    await unpack(fixture('encrypted.zip'), 'words/test.tokens');
  });

  it('may hold names that lead out of the folder: nothing of it is unpacked', async () => {
    await unpack(fixture('traversal.zip'), 'words/test.tokens');
  });
});
