import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { collectTranslationSpeed, speedFigures, speedTable } from './speed.js';

const point = { batch: 16, length: 64, tokensPerSecond: 900.4, stateBytes: 112_320, rssBytes: 2 ** 28 };

it('takes curves from the data of steps, and says what attention a checkpoint has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 't2r-report-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'config.json'), '{"model":{"attention":[{"use":"t2r-mlp"}]}}');
  const points = await collectTranslationSpeed([
    { id: 'finetune', folder, data: undefined },
    { id: 'speed', folder: 'nowhere', data: { translationSpeed: [{ step: 'finetune', ...point }] } },
    { id: 'other', folder: 'nowhere', data: { translationSpeed: [{ step: 'finetune' }] } },
  ]);
  expect(points).toEqual([{ series: 'finetune (t2r-mlp)', ...point }]);
  expect(speedTable(points, 'translation').rows).toEqual([
    ['finetune (t2r-mlp)', '16', '64', '900.40', '110 KiB', '256 MiB'],
  ]);
});

it('draws logarithmic axes with units, one line per model', async () => {
  const points = [64, 128, 256].flatMap((length) => [
    {
      series: 'softmax',
      batch: 1,
      length,
      tokensPerSecond: 64_000 / length,
      stateBytes: 8192 * length,
      firstTokenSeconds: length / 1e4,
    },
    { series: 't2r', batch: 1, length, tokensPerSecond: 900, stateBytes: 133_120 },
  ]);
  const html = await speedFigures(points, 'position');
  const drawings = html.split('<svg').slice(1);
  expect(drawings).toHaveLength(3);
  for (const drawing of drawings) {
    // The measured lengths stand below the axis.
    for (const text of ['64', '128', '256', 'position (tokens)', 'softmax', 't2r'])
      expect(drawing).toContain(`>${text}<`);
  }
  expect(drawings[0]).toContain('>tokens per second<');
  expect(drawings[1]).toMatch(/>\d+ ms</);
  expect(drawings[2]).toContain('>512 KiB<');
  expect(drawings[2]).toContain('>2 MiB<');
});
