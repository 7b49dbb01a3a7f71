/** Models fetched from a local server that answers as the Hugging Face Hub does, and misbehaves in the ways servers do. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '@t2r/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isHubAddress, parseHubAddress } from './address.js';
import { fetchModel, resolveCommit } from './fetch-model.js';
import { neededFiles } from './files.js';
import { type HubSettings, hubSettings } from './settings.js';

const COMMIT = '607a30d783dfa663caf39e06633721c8d4cfcd7e';
const REPO = 'someone/tiny';
const weights = Buffer.from(Array.from({ length: 150_000 }, (_, i) => (i * 7919) % 251));
const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const gitSha1 = (content: Buffer) =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

type Files = Record<string, Buffer>;
const FILES: Files = {
  'config.json': Buffer.from('{"model_type":"gpt2"}'),
  'model.safetensors': weights,
  'tokenizer.json': Buffer.from('{}'),
  'README.md': Buffer.from('---\nlicense: mit\n---\n'),
  'flax_model.msgpack': Buffer.from('not needed'),
  'pytorch_model.bin': Buffer.from('not needed either'),
};

let cache: string;
let server: Server;
let settings: HubSettings;
let requests: string[];
let files: Files;
/** Answers before the hub does, where it returns true. */
let intercept: (request: IncomingMessage, response: ServerResponse) => boolean;

/** As huggingface.co: large files are known by SHA-256 and lie on another server, small ones by git's name. */
function hub(request: IncomingMessage, response: ServerResponse): void {
  const { method, url = '' } = request;
  if (url.startsWith(`/api/models/${REPO}/revision/`)) {
    const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
    response.end(JSON.stringify({ sha: COMMIT, siblings }));
    return;
  }
  const cdn = url.startsWith('/cdn/');
  const name = decodeURIComponent(url.split('/').at(-1)!);
  const content = files[name];
  if (content === undefined) {
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    return;
  }
  if (!cdn && name === 'model.safetensors') {
    response
      .writeHead(302, {
        location: `${settings.endpoint}/cdn/${name}`,
        'x-linked-etag': `"${sha256(weights)}"`,
        'x-linked-size': weights.length,
        'x-repo-commit': COMMIT,
      })
      .end();
    return;
  }
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (!cdn) response.setHeader('etag', `W/"${gitSha1(content)}"`);
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from });
  response.end(method === 'HEAD' ? undefined : content.subarray(from));
}

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 't2r-hub-'));
  requests = [];
  files = { ...FILES };
  intercept = () => false;
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (!intercept(request, response)) hub(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  settings = { endpoint, cache, offline: false, delayMs: 1 };
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(cache, { recursive: true });
});

const address = parseHubAddress(`hf:${REPO}@main`);
const pinned = parseHubAddress(`hf:${REPO}@${COMMIT}`);
const root = () => join(cache, 'models--someone--tiny');

/** What the user is told. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message, hint } = error as UserError;
  return `${message} | ${hint}`;
}

describe('addresses', () => {
  it('name a model and a revision', () => {
    expect(parseHubAddress('hf:openai-community/gpt2@refs/pr/1')).toEqual({
      repo: 'openai-community/gpt2',
      revision: 'refs/pr/1',
    });
    expect(parseHubAddress('hf:gpt2')).toEqual({ repo: 'gpt2', revision: 'main' });
    expect(isHubAddress('models/gpt2')).toBe(false);
  });

  it.each(['hf:', 'hf:a/b/c', 'hf:../x', 'hf:a/..', 'hf:a/b@', 'hf:a/b@../../etc', 'hf:a b'])('%s is none', (text) => {
    expect(() => parseHubAddress(text)).toThrow(UserError);
  });

  it("settings are those of Python's huggingface_hub", () => {
    expect(hubSettings({ HF_ENDPOINT: 'https://mirror/', HF_TOKEN: 't', HF_HOME: '/h', HF_HUB_OFFLINE: '1' })).toEqual({
      endpoint: 'https://mirror',
      token: 't',
      cache: join('/h', 'hub'),
      offline: true,
    });
    expect(hubSettings({ HF_HUB_CACHE: '/c', HF_HOME: '/h' })).toMatchObject({ cache: '/c', offline: false });
    expect(hubSettings({}).cache).toMatch(/\.cache.huggingface.hub$/);
  });
});

describe('the files that are needed', () => {
  it("are for Marian's models both SentencePiece models and all vocabularies", () => {
    const tokenizer = ['source.spm', 'target.spm', 'vocab.json'];
    const rest = ['config.json', 'pytorch_model.bin', 'tokenizer_config.json'];
    expect(neededFiles([...tokenizer, ...rest, 'tf_model.h5', 'rust_model.ot']).sort()).toEqual(
      [...tokenizer, ...rest].sort(),
    );
    expect(neededFiles([...tokenizer, 'target_vocab.json'])).toContain('target_vocab.json');
  });
});

describe('fetchModel', () => {
  it('fetches what is needed and nothing else, into the layout that Python shares', async () => {
    const { folder, commit } = await fetchModel(address, settings);
    expect([folder, commit]).toEqual([join(root(), 'snapshots', COMMIT), COMMIT]);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(lstatSync(join(folder, 'model.safetensors')).isSymbolicLink()).toBe(true);
    expect(existsSync(join(root(), 'blobs', sha256(weights)))).toBe(true);
    expect(existsSync(join(root(), 'blobs', gitSha1(files['config.json']!)))).toBe(true);
    expect(readFileSync(join(root(), 'refs', 'main'), 'utf8')).toBe(COMMIT);
    expect(requests.filter((request) => /flax|pytorch/.test(request))).toEqual([]);
    // Files are asked for by the commit, which cannot move meanwhile.
    expect(requests.filter((request) => request.includes('/resolve/main'))).toEqual([]);
  });

  it('asks nothing of the network when the revision is there', async () => {
    await fetchModel(address, settings);
    requests = [];
    expect(await fetchModel(address, settings)).toEqual(await fetchModel(pinned, { ...settings, offline: true }));
    expect(await resolveCommit(address, settings)).toBe(COMMIT);
    expect(requests).toEqual([]);
  });

  it('knows of a model without a tokenizer that it has none', async () => {
    delete files['tokenizer.json'];
    await fetchModel(address, settings);
    await fetchModel(address, { ...settings, offline: true });
  });

  it('fetches shards by their index', async () => {
    delete files['model.safetensors'];
    delete files['pytorch_model.bin'];
    files['model.safetensors.index.json'] = Buffer.from('{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}');
    files['one.safetensors'] = Buffer.from('1');
    files['two.safetensors'] = Buffer.from('2');
    const { folder } = await fetchModel(address, settings);
    expect(readFileSync(join(folder, 'two.safetensors'), 'utf8')).toBe('2');
    // A shard that went missing is fetched again.
    rmSync(join(folder, 'two.safetensors'));
    rmSync(join(root(), 'blobs', gitSha1(files['two.safetensors'])));
    requests = [];
    await fetchModel(address, settings);
    expect(requests.filter((request) => request.startsWith('GET') && !request.includes('/api/'))).toHaveLength(1);
  });

  it('goes on with a half file, of this run or an earlier one', async () => {
    const blob = join(root(), 'blobs', sha256(weights));
    mkdirSync(join(root(), 'blobs'), { recursive: true });
    writeFileSync(`${blob}.part`, weights.subarray(0, 40_000));
    const ranges: (string | undefined)[] = [];
    intercept = (request, response) => {
      if (!request.url!.startsWith('/cdn/')) return false;
      ranges.push(request.headers.range);
      if (ranges.length > 1) return false;
      response.writeHead(206, { 'content-length': weights.length - 40_000 });
      response.write(weights.subarray(40_000, 90_000));
      const timer = setInterval(() => {
        if (statSync(`${blob}.part`).size < 90_000) return;
        clearInterval(timer);
        response.destroy();
      }, 5);
      return true;
    };
    const { folder } = await fetchModel(address, settings);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(ranges).toEqual(['bytes=40000-', 'bytes=90000-']);
  });

  it('keeps nothing of a file with another checksum', async () => {
    intercept = (request, response) => {
      if (!request.url!.startsWith('/cdn/')) return false;
      response.end(weights.subarray(1));
      return true;
    };
    const said = await refusal(fetchModel(address, settings));
    expect(said).toMatch(/another content than expected: SHA-256 .* \| .*nothing of it was kept/);
    expect(existsSync(join(root(), 'blobs', sha256(weights)))).toBe(false);
    expect(existsSync(join(root(), 'snapshots', COMMIT, 'model.safetensors'))).toBe(false);
    intercept = () => false;
    await fetchModel(address, settings);
  });

  it('sends the token to the Hub', async () => {
    const seen = new Set<string | undefined>();
    intercept = (request) => {
      seen.add(request.headers.authorization);
      return false;
    };
    await fetchModel(address, { ...settings, token: 'hf_secret' });
    expect([...seen]).toEqual(['Bearer hf_secret']);
  });

  it.each([
    [
      404,
      'RepoNotFound',
      undefined,
      /there is no such model, or it is private \(404 .*Check the name and the revision/,
    ],
    [404, 'RevisionNotFound', undefined, /the model has no such revision.*Check the name and the revision/],
    [401, undefined, undefined, /does not exist or needs a token \(401.*set HF_TOKEN/],
    [401, 'GatedRepo', 'hf_x', /access to the model must be asked for.*that HF_TOKEN is valid/],
    [403, 'GatedRepo', 'hf_x', /access to the model must be asked for \(403.*Ask for access at .*someone\/tiny/],
    [503, undefined, undefined, /the server answered 503.*Try again later/],
  ])('says what a refusal with %i %s means', async (status, code, token, expected) => {
    intercept = (_, response) => {
      response.writeHead(status, code === undefined ? {} : { 'x-error-code': code }).end();
      return true;
    };
    expect(await refusal(fetchModel(address, { ...settings, token }))).toMatch(expected);
  });

  it('says what to do without the network', async () => {
    expect(await refusal(fetchModel(address, { ...settings, offline: true }))).toMatch(
      /hf:someone\/tiny@main is not in the cache .*HF_HUB_OFFLINE.* \| Unset HF_HUB_OFFLINE/,
    );
    server.close();
    server.closeAllConnections();
    expect(await refusal(fetchModel(address, settings))).toMatch(
      /is not in the cache, and http.* cannot be reached: .*ECONNREFUSED.*HF_ENDPOINT/,
    );
  });

  it('refuses a server that is no Hub, and a model without weights', async () => {
    intercept = (_, response) => {
      response.end('<html>');
      return true;
    };
    expect(await refusal(fetchModel(address, settings))).toMatch(/did not answer as the Hugging Face Hub.*HF_ENDPOINT/);
    intercept = () => false;
    files = { 'config.json': FILES['config.json']!, 'model.onnx': Buffer.from('x') };
    expect(await refusal(fetchModel(address, settings))).toMatch(/has no weights that can be read/);
  });

  it('follows a model to its new name', async () => {
    intercept = (request, response) => {
      if (!request.url!.startsWith('/someone/tiny/resolve/')) return false;
      response.writeHead(307, { location: request.url!.replace('/someone/tiny/', '/another/tiny/') }).end();
      return true;
    };
    const { folder } = await fetchModel(address, settings);
    expect(readFileSync(join(folder, 'config.json'), 'utf8')).toContain('gpt2');
  });
});
