/** Where `dataset/bitext` takes its files from: mirrors, and archives of all kinds. */
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { hashFile } from '@t2r/core';
import { pack } from 'tar-stream';
import { afterAll, describe, expect, it } from 'vitest';
import { createBitextRunner, pairsOf } from '../testing/bitext-runner.js';
import { check } from '../testing/step-runner.js';

const runner = createBitextRunner();
const { folder, base, run, put, failure } = runner;
afterAll(runner.dispose);

describe('downloads', () => {
  let server: Server;
  const requests: string[] = [];
  const served = new Map<string, Buffer>();
  const open = async () => {
    server ??= createServer(({ url }, response) => {
      requests.push(url!);
      const content = served.get(url!);
      if (content === undefined) response.writeHead(404).end();
      else response.end(content);
    });
    if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  afterAll(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const sum = async (content: Buffer) => {
    await put({ 'sum.bin': content });
    return hashFile(join(folder, 'sum.bin'));
  };
  /** A tar archive as bsdtar and GNU tar write them, with folders and other members in it. */
  const tar = async (members: Record<string, string>) => {
    const archive = pack();
    archive.entry({ name: './', type: 'directory' });
    for (const [name, text] of Object.entries(members)) archive.entry({ name }, text);
    archive.finalize();
    return buffer(Readable.from(archive));
  };

  it('files from a mirror, with their checksums', async () => {
    const mirror = await open();
    const [a, b] = [gzipSync('a\nb\n'), Buffer.from('x\ny\n')];
    served.set('/m/d/a.en.gz', a).set('/m/d/a.de', b);
    const options = {
      root: null,
      mirror: `${mirror}/m`,
      train: { source: 'd/a.en.gz', target: 'd/a.de' },
      sha256: { 'd/a.en.gz': await sum(a), 'd/a.de': await sum(b) },
    };
    expect(await check('dataset/bitext', { ...base, ...options })).toEqual([]);
    const artifact = await run(options);
    expect(pairsOf(artifact, 'train')).toEqual([
      ['a', 'x'],
      ['b', 'y'],
    ]);
    expect(readdirSync(artifact.folder).sort()).toEqual(['train.de', 'train.en']);
  });

  it('members of tar archives, packed or not, from addresses and mirrors', async () => {
    const host = await open();
    const one = gzipSync(await tar({ 'notes.txt': 'no', './training/a.en': 'a\n', './training/a.de': 'b\n', z: '' }));
    const two = await tar({ 'b.en.gz': 'no gzip', 'b.en': 'c\n', 'b.de': 'd\n' });
    served.set('/one.tgz', one).set('/mirror/two.tar', two);
    const md5 = createHash('md5').update(two).digest('hex');
    const options = {
      root: null,
      mirror: `${host}/mirror`,
      archives: {
        first: { archive: 'first/one.tgz', sha256: await sum(one), url: `${host}/one.tgz` },
        second: { archive: 'two.tar', md5 },
      },
      train: [
        { archive: 'first', source: 'training/a.en', target: 'training/a.de' },
        { archive: 'second', source: 'b.en', target: 'b.de' },
      ],
    };
    requests.length = 0;
    expect(await check('dataset/bitext', { ...base, ...options })).toEqual([]);
    const expected = [
      ['a', 'b'],
      ['c', 'd'],
    ];
    expect(pairsOf(await run(options), 'train')).toEqual(expected);
    expect(requests).toEqual(['/mirror/first/one.tgz', '/one.tgz', '/mirror/two.tar']);
    // The same archives in a folder; and a member that is not there.
    await put({ 'arc/first/one.tgz': one, 'arc/two.tar': two });
    const root = join(folder, 'arc');
    expect(pairsOf(await run({ ...options, root }), 'train')).toEqual(expected);
    const missing = { ...options, root, train: { archive: 'first', source: 'training/a.en', target: 'training/a.fr' } };
    const { message, hint } = await failure(missing);
    expect(message).toMatch(/one\.tgz has no member training\/a\.fr/);
    expect(hint).toMatch(/members: notes\.txt, training\/a\.de, z/);
    // Cut off, or no archive at all, with the checksum asked for.
    for (const [name, broken] of [
      ['cut', one.subarray(0, one.length - 30)],
      ['none', Buffer.from('this is no archive, only some text that goes on')],
    ] as const) {
      await put({ [`${name}/first/one.tgz`]: broken });
      const archives = { first: { archive: 'first/one.tgz', sha256: await sum(broken) } };
      const error = await failure({ ...missing, root: join(folder, name), archives });
      expect(error.message).toMatch(/one\.tgz (cannot be unpacked|is broken or cut off|has no member)|gzip file/);
    }
  });

  it('an archive with another content is refused', async () => {
    const host = await open();
    served.set('/wrong.tgz', Buffer.from('something else'));
    const archives = { first: { archive: 'wrong.tgz', md5: 'a'.repeat(32), url: `${host}/wrong.tgz` } };
    const train = { archive: 'first', source: 'a.en', target: 'a.de' };
    const { message } = await failure({ root: null, archives, train });
    expect(message).toMatch(/wrong\.tgz has another content than expected: MD5 [0-9a-f]{32} instead of a{32}/);
  });
});
