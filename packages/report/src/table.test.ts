import { describe, expect, it } from 'vitest';
import { resultsTable } from './results.js';
import { formatTable } from './table.js';

describe('the results table', () => {
  it('aligns figures and drops what nobody measured', () => {
    const table = resultsTable([
      { id: 'pretrain', attention: 'softmax', steps: 2000, test: 84.31, bitsPerByte: 1.83, seconds: 1 },
      { id: 'swap', attention: 't2r-mlp', steps: 0, test: 2111.4, bitsPerByte: 3.1, delta: 24.04, seconds: 1 },
    ]);
    expect(formatTable(table)).toBe(
      [
        'checkpoint  attention  steps  ppl test  bits/byte  vs baseline',
        '──────────  ─────────  ─────  ────────  ─────────  ───────────',
        'pretrain    softmax    2,000     84.31      1.830            –',
        'swap        t2r-mlp        0      2111      3.100     +2,404 %',
      ].join('\n'),
    );
  });
});
