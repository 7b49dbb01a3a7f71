import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { describeAttention } from './checkpoint.js';

it.each([
  ['one kind', '{"model":{"attention":[{"use":"softmax"},{"use":"softmax"}]}}', 'softmax'],
  ['several', '{"model":{"attention":[{"use":"a"},{"use":"a"},{"use":"b"}]}}', 'a ×2, b'],
  ['a damaged file', '{"model":{"atten', undefined],
  ['another file', '[]', undefined],
])('describes the attention of a checkpoint: %s', async (_, text, expected) => {
  const folder = mkdtempSync(join(tmpdir(), 't2r-report-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  expect(await describeAttention(folder)).toBeUndefined();
  writeFileSync(join(folder, 'config.json'), text);
  expect(await describeAttention(folder)).toBe(expected);
});
