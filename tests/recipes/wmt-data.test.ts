/**
 * The recipes that prepare WMT's data, run whole on little archives with the members of the real ones: downloaded, unpacked,
 * tokenised, encoded.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { hashFile } from '@t2r/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCli } from './run-cli.js';

const recipes = resolve(import.meta.dirname, '../../recipes/paper');
const folder = mkdtempSync(join(tmpdir(), 't2r-wmt-'));
let server: Server;
let host: string;
beforeAll(async () => {
  server = createServer(({ url }, response) => response.end(readFileSync(join(folder, url!))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Makes an archive with tar, and the settings that point the recipe to it. */
async function archive(id: string, name: string, members: Record<string, string | Buffer>, sum: 'sha256' | 'md5') {
  const inner = join(folder, id);
  for (const [member, content] of Object.entries(members)) {
    mkdirSync(dirname(join(inner, member)), { recursive: true });
    writeFileSync(join(inner, member), content);
  }
  const tops = new Set(Object.keys(members).map((member) => member.split('/')[0]!));
  execFileSync('tar', [name.endsWith('.tar') ? '-cf' : '-czf', join(folder, name), '-C', inner, ...tops]);
  const set = [`data.archives.${id}.url=${host}/${name}`];
  if (sum === 'sha256') set.push(`data.archives.${id}.sha256=${await hashFile(join(folder, name))}`);
  else
    set.push(
      `data.archives.${id}.md5=${createHash('md5')
        .update(readFileSync(join(folder, name)))
        .digest('hex')}`,
    );
  return set.flatMap((value) => ['--set', value]);
}

/** Sentences of both languages; every tenth pair has an empty side, as in Europarl. */
function sentences(first: number, count: number, target: string): [string, string] {
  const numbers = Array.from({ length: count }, (_, i) => first + i);
  const line = (text: (n: number) => string) => numbers.map((n) => `${n % 10 === 3 ? '' : text(n)}\n`).join('');
  return [
    line((n) => `The “well-known” dog’s number is ${n}, isn't it?`),
    line((n) => `${target} „bekannte“ Nummer\u200b des großen Hundes ist ${n} – oder etwa nicht?`),
  ];
}

const sgm = (lines: string[]) =>
  `<refset>\n${lines.map((line, i) => `<seg id="${i + 1}">${line}</seg>\n`).join('')}</refset>\n`;

async function run(recipe: string, set: string[]) {
  const runs = join(folder, 'runs');
  const { code, out, err } = await runCli(['run', join(recipes, recipe), '--runs', runs, '--json', ...set]);
  expect({ code, err }).toMatchObject({ code: 0 });
  const { steps } = JSON.parse(out) as { steps: Record<string, { metrics: Record<string, number>; key: string }> };
  return steps;
}

it('wmt14-en-de, as the script of fairseq prepares it', async () => {
  const [europarlEn, europarlDe] = sentences(0, 250, 'Die');
  const [crawlEn, crawlDe] = sentences(250, 40, 'Jene');
  const [newsEn, newsDe] = sentences(290, 60, 'Diese');
  const set = [
    ...(await archive(
      'europarl',
      'ep.tgz',
      {
        'training/europarl-v7.de-en.en': europarlEn,
        'training/europarl-v7.de-en.de': europarlDe,
        'training/europarl-v7.fr-en.en': 'x',
      },
      'sha256',
    )),
    ...(await archive(
      'commoncrawl',
      'cc.tgz',
      { 'commoncrawl.de-en.en': crawlEn, 'commoncrawl.de-en.de': crawlDe },
      'sha256',
    )),
    ...(await archive(
      'news-commentary',
      'nc.tgz',
      { 'training/news-commentary-v12.de-en.en': newsEn, 'training/news-commentary-v12.de-en.de': newsDe },
      'sha256',
    )),
    ...(await archive(
      'test',
      'test.tgz',
      {
        'test-full/newstest2014-deen-src.en.sgm': sgm(['It’s a “well-known” dog.', 'Two\u200b dogs.']),
        'test-full/newstest2014-deen-ref.de.sgm': sgm(['Ein „bekannter“ Hund.', 'Zwei Hunde.']),
      },
      'md5',
    )),
    '--set',
    'steps.tokenizer.merges=60',
  ];
  const steps = await run('wmt14-en-de/data.yaml', set);
  // Each hundredth of 350 pairs is held out: 100, 200, 300. Of the others 35 are empty (3, 13, ..., 343).
  expect(steps.corpus!.metrics).toMatchObject({
    'train.read': 347,
    'train.pairs': 312,
    'train.bad.empty': 35,
    'valid.pairs': 3,
    'newstest2014.pairs': 2,
  });
  const read = (step: string, file: string) =>
    readFileSync(join(folder, 'runs/wmt14-en-de', `${step}-${steps[step]!.key.slice(0, 12)}`, file), 'utf8').split(
      '\n',
    );
  // The numbers are those of the pairs, from 1; the sentences count from 0.
  expect(
    read('corpus', 'valid.en')
      .slice(0, 3)
      .map((line) => /\d+/.exec(line)![0]),
  ).toEqual(['99', '199', '299']);
  expect(read('text', 'train.en')[0]).toBe(
    'The &quot; well @-@ known &quot; dog &apos;s number is 0 , isn &apos;t it ?',
  );
  expect(read('text', 'train.de')[0]).toBe(
    'Die &quot; bekannte &quot; Nummer des großen Hundes ist 0 - oder etwa nicht ?',
  );
  // Of the test set only tokens are made, behind plain apostrophes.
  expect(read('text', 'newstest2014.en').slice(0, 2)).toEqual([
    'It &apos;s a “ well @-@ known ” dog .',
    'Two \u200b dogs .',
  ]);
  expect(steps.pairs!.metrics).toMatchObject({ 'newstest2014.pairs': 2, 'train.source.unknown': 0 });
  await runsRow(set, steps);
});

/** A row of the paper's table, at a size of seconds: it takes over what the preparation has made. */
async function runsRow(set: string[], made: Record<string, { key: string }>): Promise<void> {
  const small = {
    model: '{ dim: 32, encoder: { layers: 2, heads: 2, ffn: 64 }, decoder: { layers: 2, heads: 2, ffn: 64 } }',
    'vars.training': '{ tokens: 256, shapes: 2, accumulate: 2, evaluate: { every: 2 }, average: { best: 2 } }',
    'vars.pretraining.steps': 6,
    'vars.finetuning.steps': 4,
    'vars.translations': '{ beam: 2, maxTokens: 8 }',
  };
  const sizes = Object.entries(small).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
  const row = join(recipes, 'wmt14-en-de/t2r-pretrain.yaml');
  const { code, out, err } = await runCli(['run', row, '--runs', join(folder, 'runs'), '--json', ...set, ...sizes]);
  // Six steps do not reach the paper's BLEU; everything else is as it should be.
  expect({ code, err }).toMatchObject({
    code: 1,
    err: expect.stringMatching(/finetune\.newstest2014\.tokenized_bleu of bleu is .*expected 28\.7/),
  });
  const { steps } = JSON.parse(out) as {
    steps: Record<string, { status: string; key: string; metrics: Record<string, number> }>;
  };
  for (const id of ['corpus', 'text', 'tokenizer', 'pairs'])
    expect(steps[id], id).toMatchObject({ status: 'cached', key: made[id]!.key });
  for (const id of ['init', 'pretrain', 'swap', 'finetune', 'translations', 'bleu', 'report'])
    expect(steps[id]!.status, id).toBe('done');
  // Text and tokens are scored apart, each under its own name.
  const rows = ['pretrain', 'swap', 'finetune'].map((id) => `${id}.newstest2014`);
  expect(Object.keys(steps.translations!.metrics)).toEqual(expect.arrayContaining(rows.map((name) => `${name}.bleu`)));
  expect(Object.keys(steps.bleu!.metrics)).toEqual(rows.map((name) => `${name}.tokenized_bleu`));
}

it('wmt14-en-fr, whose largest archive holds gzip files', async () => {
  const pair = (first: number) => sentences(first, 20, 'Le');
  const members = (name: string, first: number) => {
    const [en, fr] = pair(first);
    return { [`${name}.en`]: en, [`${name}.fr`]: fr };
  };
  const [en, fr] = pair(80);
  const set = [
    ...(await archive('europarl', 'ep-fr.tgz', members('training/europarl-v7.fr-en', 0), 'sha256')),
    ...(await archive('commoncrawl', 'cc-fr.tgz', members('commoncrawl.fr-en', 20), 'sha256')),
    ...(await archive('un', 'un.tgz', members('un/undoc.2000.fr-en', 40), 'sha256')),
    ...(await archive('news-commentary', 'nc-fr.tgz', members('training/news-commentary-v9.fr-en', 60), 'sha256')),
    ...(await archive(
      'giga',
      'giga.tar',
      { 'giga-fren.release2.fixed.en.gz': gzipSync(en), 'giga-fren.release2.fixed.fr.gz': gzipSync(fr) },
      'sha256',
    )),
    ...(await archive(
      'test',
      'test-fr.tgz',
      {
        'test-full/newstest2014-fren-src.en.sgm': sgm(['A dog.']),
        'test-full/newstest2014-fren-ref.fr.sgm': sgm(['Un chien.']),
      },
      'md5',
    )),
    ...['--set', 'steps.tokenizer.merges=40', '--set', 'data.valid.every=50'],
  ];
  const steps = await run('wmt14-en-fr/data.yaml', set);
  expect(steps.corpus!.metrics).toMatchObject({ 'train.read': 98, 'train.bad.empty': 10, 'valid.pairs': 2 });
  expect(steps.pairs!.metrics).toMatchObject({ 'train.pairs': 88, 'newstest2014.pairs': 1 });
});
