import { describe, expect, it } from 'vitest';
import { renderReport } from './render.js';
import type { ReportData } from './types.js';

const hostile = '<script>alert("x")</script>&\u0000\ud800';

const data: ReportData = {
  format: 't2r-report',
  version: 1,
  name: 'demo',
  title: hostile,
  created: '2026-01-02T03:04:05.000Z',
  baseline: 'pretrain',
  rows: [{ id: 'pretrain', attention: hostile, steps: 10, test: 84.31, seconds: 3 }],
  expectations: [
    { step: 'perplexity', metric: 'pretrain.test', expected: 'at most 95', actual: 84.31, met: true },
    { step: 'perplexity', metric: 'swap.test', expected: 'at most 95', actual: 2000, met: false },
  ],
  translations: [],
  conversions: [
    {
      step: 'swap',
      layers: [0, 1].map((layer) => ({ layer, attention: hostile, swapped: true, reason: 'all layers are swapped' })),
    },
    {
      step: 'auto',
      layers: [
        { layer: 0, attention: 'softmax', swapped: false, reason: hostile, measured: { output_error: 0.5 } },
        { layer: 1, attention: 'elu', swapped: true, reason: 'swapped by measurement' },
      ],
    },
  ],
  protocol: [hostile],
  loss: Array.from({ length: 10 }, (_, x) => ({ step: hostile, series: 'train loss', x, y: 5 / (x + 1) })),
  generation: [200, 2000, 16_000].flatMap((position) => [
    { step: 'pretrain', position, tokensPerSecond: 2e5 / position, stateBytes: 512 * position },
    { step: 'finetune', position, tokensPerSecond: 3000, stateBytes: 67_584 },
  ]),
  translationSpeed: [1, 16].flatMap((batch) =>
    [64, 512, 2048].flatMap((length) => [
      { series: hostile, batch, length, tokensPerSecond: (1e5 * batch) / length, stateBytes: 4096 * length },
      { series: 'rnn (t2r-mlp)', batch, length, tokensPerSecond: 800 * batch, stateBytes: 150_000 },
    ]),
  ),
  samples: [{ step: 'finetune', prompt: hostile, text: hostile }],
  steps: [{ id: 'pretrain', use: 'train/lm', key: 'abc', seconds: 3, metrics: { loss: 3 } }],
  environment: { node: 'v20', platform: 'linux', cpu: hostile, processors: 2, versions: {} },
  recipe: hostile,
};

describe('renderReport', () => {
  it('escapes everything, loads nothing, and is well-formed', async () => {
    const { html, json } = await renderReport(data);
    expect(html).not.toMatch(/<script/i);
    expect(html).not.toMatch(/(?:src|href)=|url\(|@import/);
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;');
    expect(html).not.toMatch(/\p{Surrogate}/u);
    expect(unbalancedTags(html)).toEqual([]);
    expect(JSON.parse(json)).toMatchObject({ name: 'demo', rows: [{ id: 'pretrain', test: 84.31 }] });
  });

  it('names its drawings, heads its tables, and says which expectations were missed', async () => {
    const { html } = await renderReport(data);
    const drawings = html.match(/<svg [^>]*>/g) ?? [];
    // Loss; speed and state of generation; speed at two batches, and state, of translation.
    expect(drawings).toHaveLength(6);
    for (const drawing of drawings) expect(drawing).toMatch(/role="img" aria-label="[^"]{10,}"/);
    expect(html.match(/<table>/g)).toHaveLength(html.match(/<caption>/g)!.length);
    expect(html).toMatch(/class="missed">missed<\/span>: <code>swap\.test/);
    expect(html).toMatch(/class="met">met<\/span>: <code>pretrain\.test/);
  });

  it('says of every conversion what became of the layers, and by what they were chosen', async () => {
    const { html } = await renderReport(data);
    expect(html).toMatch(/<p>swap: all 2 layers now have &lt;script&gt;/);
    expect(html).toContain('<caption>auto: 1 of 2 layers swapped');
    expect(html).toMatch(/<th scope="col" class="right">output error<\/th>/);
    expect(html).toMatch(/<th scope="row">0<\/th><td>softmax<\/td>.*<td class="right">0\.5/);
  });

  it('leaves out the sections that have nothing to show', async () => {
    const none = {
      rows: [],
      loss: [],
      generation: [],
      translationSpeed: [],
      samples: [],
      expectations: [],
      conversions: [],
    };
    const { html } = await renderReport({ ...data, ...none });
    expect(html).not.toMatch(
      /<svg|<h2>(?:Results|Loss|Generation|Speed of translation|Samples|Expectations|Conversions)/,
    );
    expect(html).toMatch(/<h2>Steps/);
  });
});

/** Tags that are closed out of order or never: an independent check that escaping left the structure alone. */
function unbalancedTags(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name, rest] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^>"])*)>/gi)) {
    if (['meta', 'br', 'hr'].includes(name!) || rest!.endsWith('/')) continue;
    if (slash === '') open.push(name!);
    else if (open.pop() !== name) wrong.push(name!);
  }
  return [...wrong, ...open];
}
