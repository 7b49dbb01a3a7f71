/** Downloads from a local server that misbehaves in the ways servers do. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differenceFrom } from './checksum.js';
import { download } from './download.js';

const content = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) % 251));
const sha256 = createHash('sha256').update(content).digest('hex');
const quick = { checksum: { sha256 }, delayMs: 1 };

let folder: string;
let path: string;
let server: Server;
let url: string;
let requests: IncomingMessage[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-download-'));
  path = join(folder, 'deep', 'file.gz');
  requests = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.gz`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** True when the file is there, whole. Buffers are compared here: `toEqual` goes byte by byte, slowly. */
const arrived = async () => (await readFile(path)).equals(content);

/** Serves the content, from where the Range header says. */
function serve(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= content.length) response.writeHead(416).end();
  else if (from === 0) response.writeHead(200).end(content);
  else response.writeHead(206).end(content.subarray(from));
}

/** Announces everything from the requested place and breaks off after `bytes` of it. */
const breakOff = (bytes: number) => (request: IncomingMessage, response: ServerResponse) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from });
  response.write(content.subarray(from, from + bytes));
  // What has not been read when the connection breaks is lost, so the client is waited for.
  const timer = setInterval(() => {
    if ((statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0) < from + bytes) return;
    clearInterval(timer);
    response.destroy();
  }, 5);
};

describe('checksums', () => {
  it.each([
    // As `git hash-object` says.
    [{ gitSha1: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex') }, undefined],
    [{ gitSha1: '0'.repeat(40) }, /^git object [0-9a-f]{40} instead of 0{40}$/],
    [{ bytes: content.length }, undefined],
    [{ bytes: 1 }, /^bytes 200000 instead of 1$/],
    [{ md5: createHash('md5').update(content).digest('hex') }, undefined],
    [{ md5: '0'.repeat(32) }, /^MD5 [0-9a-f]{32} instead of 0{32}$/],
    [{ sha256 }, undefined],
    [{}, undefined],
  ])('%j', async (checksum, expected) => {
    const file = join(folder, 'content');
    await writeFile(file, content);
    const found = await differenceFrom(checksum, file);
    if (expected === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(expected);
  });
});

describe('download', () => {
  it('writes the file and nothing else', async () => {
    answer = serve;
    await download(url, path, quick);
    expect(await arrived()).toBe(true);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it('goes on after the connection breaks, from where it broke', async () => {
    answer = (request, response) => (requests.length < 3 ? breakOff(70_000) : serve)(request, response);
    await download(url, path, quick);
    expect(await arrived()).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=70000-', 'bytes=140000-']);
  });

  it('a later run goes on where an earlier one gave up', async () => {
    answer = breakOff(50_000);
    await expect(download(url, path, { ...quick, attempts: 1 })).rejects.toThrow(/cannot download .*connection broke/);
    expect(existsSync(path)).toBe(false);
    answer = serve;
    await download(url, path, quick);
    expect(requests[1]!.headers.range).toBe('bytes=50000-');
    expect(await arrived()).toBe(true);
  });

  it('starts over where the server knows no ranges', async () => {
    answer = (request, response) =>
      requests.length === 1 ? breakOff(10_000)(request, response) : response.writeHead(200).end(content);
    await download(url, path, quick);
    expect(await arrived()).toBe(true);
  });

  it('a part that is whole already only gets its name', async () => {
    answer = serve;
    await download(url, path, quick);
    await rm(path);
    await writeFile(`${path}.part`, content);
    await download(url, path, quick);
    expect(await arrived()).toBe(true);
  });

  it('a part of something else is thrown away', async () => {
    answer = serve;
    await download(url, path, quick);
    await rm(path);
    await writeFile(`${path}.part`, Buffer.alloc(1000));
    await download(url, path, quick);
    expect(await arrived()).toBe(true);
  });

  it('another checksum is an error and leaves nothing', async () => {
    answer = (_, response) => response.end('something else');
    await expect(download(url, path, quick)).rejects.toThrow(/has another content than expected: SHA-256/);
    expect(existsSync(path) || existsSync(`${path}.part`)).toBe(false);
    expect(requests).toHaveLength(1);
  });

  it('404 is an error at once, 503 after some attempts', async () => {
    answer = (_, response) => response.writeHead(404).end('no such file');
    await expect(download(url, path, quick)).rejects.toThrow(/cannot download .*file\.gz: the server answered 404/);
    expect(requests).toHaveLength(1);
    answer = (_, response) => response.writeHead(503).end();
    await expect(download(url, path, quick)).rejects.toThrow(/the server answered 503/);
    expect(requests).toHaveLength(5);
  });

  it('no server', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(download(url, path, { ...quick, attempts: 2 })).rejects.toThrow(/cannot download .*ECONNREFUSED/);
  });

  it('stops when asked to and keeps what it has', async () => {
    const abort = new AbortController();
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
      const arrived = () => existsSync(`${path}.part`) && statSync(`${path}.part`).size === 1000;
      const timer = setInterval(() => {
        if (!arrived()) return;
        clearInterval(timer);
        abort.abort(new Error('stop'));
      }, 10);
    };
    await expect(download(url, path, { ...quick, signal: abort.signal })).rejects.toThrow('stop');
    expect(await readFile(`${path}.part`)).toEqual(content.subarray(0, 1000));
  });
});
