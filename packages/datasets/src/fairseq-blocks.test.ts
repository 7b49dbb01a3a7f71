/** Blocks and windows over tokens with `start: endOfText`, against those of fairseq (__fixtures__/make-fairseq.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBlocks } from './blocks.js';
import type { TokenReader } from './types.js';
import { evaluationWindows } from './windows.js';

interface Case {
  ids: number[];
  block: number;
  context: number;
  blocks: { inputs: number[]; targets: number[] }[];
  scored: { context: number[]; target: number }[];
}
const path = join(import.meta.dirname, '__fixtures__', 'fairseq.json');
const cases = JSON.parse(readFileSync(path, 'utf8')) as Case[];

/** The text after the </s> that stands before it. */
function withStart({ ids }: Case): { stream: number[]; reader: TokenReader } {
  const stream = [2, ...ids];
  const read: TokenReader['read'] = (start, count, out, offset = 0) =>
    out.set(stream.slice(start, start + count), offset);
  return { stream, reader: { length: stream.length, read, close() {} } };
}

test.each(cases.filter(({ ids, block }) => ids.length >= block))(
  'an epoch has its blocks, but for a shorter last one: $block of $ids',
  (each) => {
    const { block } = each;
    const whole = each.blocks.filter(({ inputs }) => inputs.length === block);
    const blocks = createBlocks(withStart(each).reader, { block, batch: 1, seed: 1, order: 'epochs' });
    expect(blocks.count).toBe(whole.length);
    const epoch = whole.map((_, step) => {
      const { inputs, targets } = blocks.batch(step);
      return { inputs: [...inputs], targets: [...targets] };
    });
    const sorted = (list: Case['blocks']) => list.map((one) => JSON.stringify(one)).sort();
    expect(sorted(epoch)).toEqual(sorted(whole));
  },
);

// Where the stride divides the context, that is: otherwise fairseq's first windows are shorter and all others shifted.
test.each(cases)(
  'windows of $block, context $context: every token is predicted from what --context-window gives it',
  (each) => {
    const { stream } = withStart(each);
    const { block: window, context } = each;
    const scored = evaluationWindows(stream.length, { window, stride: window - context }).flatMap(
      ({ start, count, scoreFrom }) =>
        Array.from({ length: count - scoreFrom }, (_, i) => {
          const end = start + scoreFrom + i + 1;
          return { context: stream.slice(start, end), target: stream[end]! };
        }),
    );
    expect(scored).toEqual(each.scored);
    expect(scored.map(({ target }) => target)).toEqual(each.ids);
  },
);
