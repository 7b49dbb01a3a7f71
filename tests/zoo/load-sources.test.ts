/** zoo/load from everything but transformers' folders: fairseq, Meta, the Hub, files with checksums; and what it refuses. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '@t2r/core';
import { buildLanguageModel } from '@t2r/models';
import { loadTokenizer } from '@t2r/tokenizers';
import { importModel, loadCheckpoint, openTensors, readWeights } from '@t2r/zoo';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { runCli, temporaryFolder } from '../recipes/run-cli.js';
import { goldenModel } from './golden-models.js';
import { registry, runSteps } from './run-steps.js';

const GOLDENS = fileURLToPath(new URL('../fixtures/goldens/', import.meta.url));
const at = (...parts: string[]) => join(GOLDENS, ...parts);
const quoted = (path: string) => JSON.stringify(path);
const loaded = (artifact: Artifact) =>
  loadCheckpoint(artifact.folder, { parameters: (config) => buildLanguageModel(config, registry).parameters() });

/** Loads a model through the step. */
async function load(from: string, more = '') {
  const { problems, summary, artifacts } = await runSteps(
    temporaryFolder(),
    `load: { use: zoo/load, from: ${quoted(from)}${more} }`,
  );
  expect([problems, summary?.error]).toEqual([[], undefined]);
  return artifacts.load!;
}

describe('zoo/load', () => {
  it('takes a language model of fairseq, options and dictionary included, by folder and by file', async () => {
    const artifact = await load(at('fairseq-pt'));
    const { config, weights, tokenizer } = await loaded(artifact);
    const source = await openTensors(at('fairseq', 'tied', 'model.safetensors'));
    const theirs = JSON.parse(readFileSync(at('fairseq', 'tied', 'config.json'), 'utf8'));
    const expected = await importModel(theirs, source);
    expect(config.model).toEqual(expected.config);
    expect(weights).toEqual(await readWeights(expected.tensors));
    await source.close();
    expect((await loadTokenizer(tokenizer!)).vocabSize).toBe(53);
    expect(config.origin).toMatchObject({ from: 'fairseq-pt', architecture: 'transformer_lm', format: 'pytorch' });
    const byFile = await loaded(await load(at('fairseq-pt', 'checkpoint_best.pt')));
    expect(byFile.weights).toEqual(weights);
  });

  it("takes Meta's own files", async () => {
    const { config, weights } = await loaded(await load(at('meta-pt')));
    const golden = await goldenModel('llama-tiny');
    expect({ ...config.model, maxPositions: 64 }).toEqual(golden.config);
    expect(weights).toEqual(golden.weights);
  });

  it("takes transformers' weights where Meta's lie beside them, and no model in several parts", async () => {
    const folder = join(temporaryFolder(), 'both');
    cpSync(at('models', 'gpt2-tiny'), folder, { recursive: true });
    cpSync(at('meta-pt', 'consolidated.00.pth'), join(folder, 'consolidated.00.pth'));
    expect((await loaded(await load(folder))).config.origin).toMatchObject({ architecture: 'gpt2' });
    const parts = join(temporaryFolder(), 'parts');
    cpSync(at('meta-pt'), parts, { recursive: true });
    cpSync(join(parts, 'consolidated.00.pth'), join(parts, 'consolidated.01.pth'));
    const { problems } = await runSteps(temporaryFolder(), `load: { use: zoo/load, from: ${quoted(parts)} }`);
    expect(problems.join()).toMatch(/several consolidated files.*convert_llama_weights_to_hf/s);
  });

  it('keeps the tokenizer that lies beside the weights, or takes one that is named', async () => {
    const folder = join(temporaryFolder(), 'model');
    cpSync(at('models', 'gpt2-tiny'), folder, { recursive: true });
    const entries = ['<unk>', '</s>', ...Array.from({ length: 95 }, (_, i) => `w${i}`)];
    writeFileSync(join(folder, 'vocabulary.json'), JSON.stringify(entries));
    const own = await loaded(await load(folder));
    const tokenizer = await loadTokenizer(own.tokenizer!);
    expect([tokenizer.vocabSize, tokenizer.endOfText, [...tokenizer.encode('w0 w94 x')]]).toEqual([97, 1, [2, 96, 0]]);
    const steps = (vocab: number) => `corpus: { use: dataset/synthetic, train: 3000, valid: 1000, test: 1000 }
tokenizer: { use: tokenizer/train, from: corpus, algorithm: word, vocab: ${vocab} }
load: { use: zoo/load, from: ${quoted(folder)}, tokenizer: tokenizer }`;
    const named = await runSteps(temporaryFolder(), steps(60));
    expect((await loadTokenizer(named.artifacts.load!.folder)).tokenToId('w0')).toBeUndefined();
    const large = await runSteps(temporaryFolder(), steps(150));
    expect([...large.problems, large.summary?.error?.message].join()).toMatch(/has \d+ entries, the model knows 97/);
  });

  it('has the same key for the same model in another place, and another for another model', async () => {
    const folder = join(temporaryFolder(), 'copy');
    cpSync(at('models', 'gpt2-tiny'), folder, { recursive: true });
    const first = await load(at('models', 'gpt2-tiny'));
    expect((await load(folder)).key).toBe(first.key);
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, layer_norm_epsilon: 1e-6 }));
    expect((await load(folder)).key).not.toBe(first.key);
  });

  it('takes files that are named with their checksums, from a folder or a mirror', async () => {
    const files = ['config.json', 'model.safetensors'].map((file) => {
      const hash = createHash('sha256')
        .update(readFileSync(at('models', 'gpt2-tiny', file)))
        .digest('hex');
      return `models/gpt2-tiny/${file}: ${hash}`;
    });
    const steps = (source: string, hashes = files) =>
      `load: { use: zoo/load, files: { ${hashes.join(', ')} }, ${source} }`;
    const golden = await goldenModel('gpt2-tiny');
    const local = await runSteps(temporaryFolder(), steps(`root: ${quoted(GOLDENS)}`));
    expect((await loaded(local.artifacts.load!)).weights).toEqual(golden.weights);
    const server = await serve((url) => readFileSync(join(GOLDENS, url)));
    const fetched = await runSteps(temporaryFolder(), steps(`mirror: ${server.address}`));
    server.close();
    expect((await loaded(fetched.artifacts.load!)).weights).toEqual(golden.weights);
    expect(fetched.artifacts.load!.key).toBe(local.artifacts.load!.key);
    const wrong = files.map((file) => file.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')));
    const refused = await runSteps(temporaryFolder(), steps(`root: ${quoted(GOLDENS)}`, wrong));
    expect(refused.problems.join()).toMatch(/another content than expected/);
    expect((await runSteps(temporaryFolder(), steps('root: null'))).problems.join()).toMatch(/both empty.*T2R_DATA/s);
    expect((await runSteps(temporaryFolder(), 'load: { use: zoo/load }')).problems.join()).toMatch(
      /give either from or files/,
    );
  });
});

interface TestServer {
  address: string;
  close(): void;
}

/** Serves what `content` gives for a path; the Hub's headers stand in its answers. */
async function serve(content: (url: string) => Buffer, hub = ''): Promise<TestServer> {
  const server: Server = createServer((request, response) => {
    const url = decodeURIComponent(request.url!);
    if (url.startsWith('/api/')) return void response.end(hub);
    try {
      const body = content(url);
      response.setHeader('x-linked-etag', `"${createHash('sha256').update(body).digest('hex')}"`);
      response.setHeader('content-length', body.length);
      response.end(request.method === 'HEAD' ? undefined : body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

describe('zoo/load from the Hub', () => {
  afterEach(() => vi.unstubAllEnvs());
  const COMMIT = '0123456789abcdef0123456789abcdef01234567';

  it('pins the commit, says it in the card, and needs the network once', async () => {
    const siblings = [{ rfilename: 'config.json' }, { rfilename: 'model.safetensors' }];
    const hub = JSON.stringify({ sha: COMMIT, siblings });
    const server = await serve((url) => readFileSync(at('models', 'gpt2-tiny', url.split('/').at(-1)!)), hub);
    vi.stubEnv('HF_ENDPOINT', server.address);
    vi.stubEnv('HF_HOME', temporaryFolder());
    const folder = temporaryFolder();
    const steps = `load: { use: zoo/load, from: "hf:someone/tiny@main" }\nsave: { use: zoo/save, from: load }`;
    const first = await runSteps(folder, steps);
    server.close();
    expect(first.summary?.error).toBeUndefined();
    const { config, weights } = await loaded(first.artifacts.load!);
    expect(weights).toEqual((await goldenModel('gpt2-tiny')).weights);
    expect(config.origin).toMatchObject({ from: `hf:someone/tiny@${COMMIT}` });
    const card = readFileSync(join(first.artifacts.save!.folder, 'model', 'README.md'), 'utf8');
    expect(card).toContain('base_model: "someone/tiny"');
    expect(card).toContain(`commit \`${COMMIT}\``);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const again = await runSteps(temporaryFolder(), steps);
    expect(again.artifacts.load!.key).toBe(first.artifacts.load!.key);
  });

  it('is valid and can be planned without the network, and says why it cannot run', async () => {
    vi.stubEnv('HF_HOME', temporaryFolder());
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const { problems, summary } = await runSteps(temporaryFolder(), 'load: { use: zoo/load, from: "hf:a/b@main" }');
    expect([problems, summary?.error?.message]).toEqual([
      [],
      expect.stringMatching(/hf:a\/b@main is not in the cache/),
    ]);
    const wrong = await runSteps(temporaryFolder(), 'load: { use: zoo/load, from: "hf:a/b/c" }');
    expect(wrong.problems.join()).toMatch(/no address of a model.*hf:owner\/name@revision/s);
  });
});

/** A pickle that would run a command. */
const MALICIOUS = '\x80\x02cposix\nsystem\nX\x02\x00\x00\x00ls\x85R.';

/** What a new user does wrong: name, what is done to a copy of a model, the path that is given, what is said. */
const MISTAKES: [string, (folder: string) => void, string, RegExp][] = [
  ['a wrong path', () => {}, 'modell', /there is no file or folder .*modell.*(did you mean|Did you mean) .*model/s],
  [
    'a folder without a configuration',
    (folder) => mkdirSync(join(folder, 'empty')),
    'empty',
    /the folder holds no checkpoint; looked for model\.safetensors/,
  ],
  [
    'weights without a configuration',
    (folder) => cpSync(at('models', 'gpt2-tiny', 'model.safetensors'), join(folder, 'bare', 'model.safetensors')),
    'bare',
    /there is no config\.json beside the weights.*copy the config\.json/s,
  ],
  [
    'a truncated file',
    (folder) => truncateSync(join(folder, 'model', 'model.safetensors'), 90_000),
    'model',
    /model\.safetensors: .*(truncated|ends|bytes)/,
  ],
  [
    'a typo in the architecture',
    (folder) => {
      const file = join(folder, 'model', 'config.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"model_type": "gpt2"', '"model_type": "gpt3"'));
    },
    'model',
    /architecture "gpt3" is not known; known are gpt2.*Did you mean gpt2\?/s,
  ],
  [
    'a configuration that is no JSON',
    (folder) => writeFileSync(join(folder, 'model', 'config.json'), '{"model_type":'),
    'model',
    /config\.json cannot be read as JSON/,
  ],
  [
    'a pickle that would run something',
    (folder) => writeFileSync(join(folder, 'evil.pt'), MALICIOUS, 'latin1'),
    'evil.pt',
    /posix\.system/,
  ],
  [
    'an architecture that is not known',
    (folder) => {
      const file = join(folder, 'model', 'config.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('"model_type": "gpt2"', '"model_type": "mamba"'));
    },
    'model',
    /architecture "mamba" is not known/,
  ],
];

describe('mistakes', () => {
  it.each(MISTAKES)('%s is told in one message', async (_, change, name, expected) => {
    const folder = temporaryFolder();
    cpSync(at('models', 'gpt2-tiny'), join(folder, 'model'), { recursive: true });
    change(folder);
    const file = join(folder, 'recipe.yaml');
    writeFileSync(file, `name: mistake\nsteps:\n  load: { use: zoo/load, from: ${quoted(join(folder, name))} }\n`);
    const { code, err } = await runCli(['run', file, '--runs', join(folder, 'runs')]);
    expect(code).toBe(2);
    expect(err).toMatch(expected);
    expect(err.match(/error:/g)).toHaveLength(1);
    expect(err).toMatch(/recipe\.yaml:3:\d+/);
  });
});
