/** The page and the runtime in Chromium, against Node. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Engine, openEngine } from '@t2r/engine';
import { encodeSnapshot, readPrompt, readStateFile, type TextGenerator } from '@t2r/generation';
import { loadTokenizer } from '@t2r/tokenizers';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildHarness, buildPage, launchBrowser } from './browser.js';
import { findBrowser, NO_BROWSER } from './find-browser.js';
import { nodeTokens, openGenerator } from './node-tokens.js';
import { type FileServer, serveFiles } from './serve-files.js';
import { type TinyModel, tinyModel } from './tiny-models.js';

const PROMPT = 'the cat sat on the mat; a dog and a bird saw the log';
const OPTIONS = { maxTokens: 100, temperature: 0.8, topK: 40, topP: 1, seed: 1 };

const SENTENCEPIECE = fileURLToPath(new URL('../../packages/tokenizers/fixtures/sentencepiece', import.meta.url));

const found = findBrowser() !== undefined;
if (!found) console.warn(NO_BROWSER);

describe.skipIf(!found)('in Chromium', () => {
  let folder: string;
  let engine: Engine;
  let browser: Browser;
  let server: FileServer;
  let rnn: TinyModel;
  let softmax: TinyModel;
  let generator: TextGenerator;
  let context: BrowserContext;
  let page: Page;
  let asked: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 't2r-browser-'));
    engine = await openEngine('onnx', { threads: 1 });
    rnn = await tinyModel(join(folder, 'rnn'), engine, { use: 't2r-mlp', features: 8 });
    softmax = await tinyModel(join(folder, 'softmax'), engine, { use: 'softmax' });
    generator = await openGenerator(rnn.checkpoint, engine);
    await buildPage(join(folder, 'site'));
    await buildHarness(join(folder, 'harness'));
    server = await serveFiles(mounts());
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await generator?.dispose();
    await engine?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const mounts = () => ({
    '/': join(folder, 'site'),
    '/harness/': join(folder, 'harness'),
    '/models/rnn/': rnn.exported,
    '/models/softmax/': softmax.exported,
    '/sentencepiece/': SENTENCEPIECE,
  });

  beforeEach(async () => {
    asked = [];
    context = await browser.newContext({ acceptDownloads: true, viewport: { width: 1100, height: 1500 } });
    page = await context.newPage();
    context.on('request', (request) => asked.push(request.url()));
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => expect.fail(`the page threw ${error.stack}`));
  });
  afterEach(async () => {
    // Nothing comes from anywhere else.
    const elsewhere = asked.filter((url) => !url.startsWith('http://127.0.0.1:') && !/^(blob|data):/.test(url));
    expect(elsewhere).toEqual([]);
    await context.close();
  });

  const text = (id: string) => page.textContent(`#${id}`);
  const words = (id: string, expected: RegExp) =>
    page.waitForFunction(
      ([id, source]) => new RegExp(source!).test(document.getElementById(id!)!.textContent ?? ''),
      [id, expected.source],
      { timeout: 30_000 },
    );
  const loadFrom = async (name: string, address: string) => {
    await page.fill(`#${name}-address`, address);
    await page.click(`#${name}-fetch`);
    await words(`${name}-status`, /state \d/);
  };
  const generateText = async (prompt: string) => {
    await page.fill('#prompt', prompt);
    await page.click('#generate');
    await words('status', /^Finished/);
  };
  const openSampling = async (maxTokens: number) => {
    await page.click('summary');
    await page.fill('#maxTokens', `${maxTokens}`);
  };

  test.each([
    ['in a worker', { inWorker: true }],
    ['in the page', { inWorker: false }],
    ['with two threads', { inWorker: true, threads: 2 }],
  ])('the runtime %s gives the 100 tokens of Node', async (_where, load) => {
    await page.goto(`${server.address}harness/`);
    for (const options of [OPTIONS, { ...OPTIONS, temperature: 0 }]) {
      const expected = await nodeTokens(generator, PROMPT, options);
      const call = [`${server.address}models/rnn`, PROMPT, options, load] as const;
      const made = await page.evaluate((given) => globalThis.generateIds(...given), call);
      expect(made.ids).toEqual(expected);
      expect(made.ids).toHaveLength(100);
      if ('threads' in load) expect(made.threads).toBe(2);
    }
  });

  test.each(['unigram', 'bpe-bytes'])('a SentencePiece tokenizer (%s) gives the ids of Node', async (name) => {
    const texts = [PROMPT, 'Zwölf Boxkämpfer jagen Viktor\nquer über 漢字 \u{1f600}.', '\ud800 alone', ''];
    await page.goto(`${server.address}harness/`);
    const call = [`${server.address}sentencepiece/${name}.model`, `${name}.model`, texts] as const;
    const made = await page.evaluate((given) => globalThis.tokenize(...given), call);
    const tokenizer = await loadTokenizer(join(SENTENCEPIECE, `${name}.model`));
    expect(made).toEqual(
      texts.map((text) => {
        const ids = tokenizer.encode(text);
        return { ids: [...ids], text: tokenizer.decode(ids) };
      }),
    );
  });

  test('the page streams both models, counts their states and draws them', async () => {
    await page.goto(server.address);
    await loadFrom('first', 'models/rnn/');
    await loadFrom('second', 'models/softmax');
    await openSampling(100);
    await generateText(PROMPT);
    const expected = generator.tokenizer!.decode(await nodeTokens(generator, PROMPT, OPTIONS));
    expect(await text('first-text')).toBe(PROMPT + expected);
    const other = await openGenerator(softmax.checkpoint, engine);
    const beside = other.tokenizer!.decode(await nodeTokens(other, PROMPT, OPTIONS));
    await other.dispose();
    expect(await text('second-text')).toBe(PROMPT + beside);
    // The state of the RNN is that of the first token; the cache has a row for every position.
    const positions = generator.tokenizer!.encode(PROMPT).length + 99;
    expect(await text('first-state')).toBe('2.1 KiB');
    expect(await text('second-state')).toBe(
      `${((positions * 2 * 2 * 32 * 4) / 1024).toFixed(1).replace('.0', '')} KiB`,
    );
    expect(Number((await text('first-speed'))!.replaceAll(',', ''))).toBeGreaterThan(1);
    const label = await page.getAttribute('#curves figure:nth-child(2) svg', 'aria-label');
    expect(label).toMatch(/^Bytes of state; Model: 2\.1 KiB at position \d+; Model to compare with: \d/);
    expect(await page.locator('#curves polyline').count()).toBe(4);
  });

  test('states saved in Node go on here, and those saved here in Node', async () => {
    await page.goto(server.address);
    await loadFrom('first', 'models/rnn/');
    await openSampling(20);
    const whole = await nodeTokens(generator, PROMPT, { ...OPTIONS, maxTokens: 60 });
    const read = await readPrompt(generator, generator.tokenizer!.encode(PROMPT));
    const path = join(folder, 'node.state');
    await writeFile(path, await encodeSnapshot({ ...read, text: PROMPT }, generator));
    await page.setInputFiles('#first-load', path);
    await words('first-text', /^the cat/);
    await page.check('#append');
    await generateText('');
    expect(await text('first-text')).toBe(PROMPT + generator.tokenizer!.decode(whole.slice(0, 20)));

    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#first-save')]);
    const saved = join(folder, 'browser.state');
    await download.saveAs(saved);
    const from = await readStateFile(saved, generator);
    expect(from.text).toBe(await text('first-text'));
    const rest: number[] = [];
    for await (const { id } of generator.generate([], { ...OPTIONS, maxTokens: 40, from })) rest.push(id);
    expect(rest).toEqual(whole.slice(20));

    const damaged = await readFile(saved);
    damaged[damaged.length - 50]! ^= 4;
    await writeFile(saved, damaged);
    await page.setInputFiles('#first-load', saved);
    await words('first-state-error', /The state file is damaged: .* Save the state again\./);
  });

  test('folders are picked and dropped; what is wrong is told in words', async () => {
    await page.goto(server.address);
    await page.setInputFiles('#first-folder', rnn.exported);
    await words('first-status', /^t2r-mlp: recurrent/);
    const names = await readdir(softmax.exported);
    await page.setInputFiles(
      '#second-files',
      names.map((name) => join(softmax.exported, name)),
    );
    await words('second-status', /^softmax: with a cache/);
    await page.evaluate(async (files) => {
      const transfer = new DataTransfer();
      for (const name of files) {
        transfer.items.add(new File([await (await fetch(`models/rnn/${name}`)).blob()], name));
      }
      const drop = new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true });
      document.getElementById('second-files')!.dispatchEvent(drop);
    }, names);
    await words('second-status', /^t2r-mlp: recurrent/);

    await page.fill('#second-address', 'models/none');
    await page.click('#second-fetch');
    await words('second-error', /models\/none\/config\.json is not there: the server answers 404/);
    await page.fill('#second-address', 'https://example.org/model');
    await page.click('#second-fetch');
    await words('second-error', /is not of this page's origin/);
    await page.setInputFiles('#second-files', join(rnn.exported, 'README.md'));
    await words('second-error', /There is no config\.json among the 1 files/);
    await page.click('summary');
    await page.fill('#temperature', 'warm');
    await page.click('#generate');
    await words('error', /Temperature is "warm"; expected a number/);
    await page.fill('#temperature', '-1');
    await page.click('#generate');
    await words('error', /temperature is -1; expected a number of at least 0/);
    await page.fill('#temperature', '1');
    await page.selectOption('#backend', 'webgpu');
    await page.setInputFiles('#second-folder', rnn.exported);
    await words('second-error', /no WebGPU|WebGPU is there but finds no graphics adapter/);
  });

  test('everything can be done by keyboard, in the order of the page', async () => {
    await page.goto(server.address);
    const focused = () => page.evaluate(() => document.activeElement!.id || document.activeElement!.tagName);
    const order: string[] = [];
    const tabTo = async (id: string) => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        order.push(await focused());
        if (order.at(-1) === id) return;
      }
      expect.fail(`${id} is not reached: ${order}`);
    };
    await tabTo('first-address');
    await page.keyboard.type('models/rnn/');
    await page.keyboard.press('Enter');
    await words('first-status', /state \d/);
    await tabTo('prompt');
    await page.keyboard.type('the cat');
    await tabTo('append');
    await tabTo('SUMMARY');
    await page.keyboard.press('Enter');
    await tabTo('maxTokens');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('1000000');
    await tabTo('generate');
    await page.keyboard.press('Enter');
    await words('first-tokens', /^\d\d/);
    expect(await focused()).toBe('stop');
    await page.keyboard.press('Escape');
    await words('status', /^Finished: stopped/);
    expect(await focused()).toBe('generate');
    await tabTo('first-text');
    await tabTo('first-save');
    await tabTo('first-load');
    const unique = order.filter((id, i) => order.indexOf(id) === i);
    expect(unique.filter((id) => id !== 'A')).toEqual([
      'backend',
      ...['folder', 'files', 'address', 'fetch'].map((part) => `first-${part}`),
      ...['folder', 'files', 'address', 'fetch'].map((part) => `second-${part}`),
      'prompt',
      'append',
      'SUMMARY',
      ...['maxTokens', 'temperature', 'topK', 'topP', 'repetitionPenalty', 'seed'],
      'generate',
      'first-text',
      'first-save',
      'first-load',
    ]);
    // Every field has a name, and text is announced far more seldom than tokens come.
    const nameless = await page.$$eval('input, select, textarea, button', (fields) =>
      fields
        .filter((field) => ((field as HTMLInputElement).labels?.length ?? 0) === 0 && field.textContent === '')
        .map(({ id }) => id),
    );
    expect(nameless).toEqual([]);
    await page.evaluate(() => {
      globalThis.announced = 0;
      const count = () => globalThis.announced++;
      new MutationObserver(count).observe(document.getElementById('spoken')!, { childList: true });
    });
    await page.fill('#maxTokens', '500');
    await generateText('the cat');
    expect(await page.evaluate(() => globalThis.announced)).toBeLessThan(5);
  });

  test('the page works offline, isolates itself where the server does not, and tells its weight', async () => {
    const plain = await serveFiles(mounts(), { isolated: false });
    await page.goto(plain.address);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const start = [...plain.sent.values()].reduce((sum, bytes) => sum + bytes, 0);
    await plain.close();
    await page.reload();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await page.setInputFiles('#first-folder', rnn.exported);
    await page.fill('#prompt', PROMPT);
    await page.waitForFunction(() => !(document.getElementById('generate') as HTMLButtonElement).disabled);
    await page.click('#generate');
    await page.waitForFunction(() => document.getElementById('status')!.textContent!.startsWith('Finished'));
    const shown = await page.textContent('#first-first');
    expect(shown).toMatch(/^[\d.,]+ ms$/);
    console.log(JSON.stringify({ page_bytes: start, first_token_ms: Number(shown!.replace(/[ ms,]/g, '')) }));
    expect(start).toBeLessThan(2 * 16 * 2 ** 20);
  });
});

declare global {
  var announced: number;
  var generateIds: (
    address: string,
    prompt: string,
    options: object,
    load: object,
  ) => Promise<{ ids: number[]; ms: number[]; threads: number }>;
  var tokenize: (address: string, name: string, texts: string[]) => Promise<{ ids: number[]; text: string }[]>;
}
