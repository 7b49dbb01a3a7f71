import { expect, test } from 'vitest';
import { formatPerplexityProtocol, perplexityMetrics, summarizePerplexity } from './perplexity-protocol.js';
import { median } from './statistics.js';

test('a uniform model over V tokens has perplexity V, and log2(V) bits a token', () => {
  const [vocab, scored, bytes] = [64, 999, 3000];
  const result = summarizePerplexity(scored * Math.log(vocab), { scored, bytes });
  expect(result.perplexity).toBeCloseTo(64, 9);
  expect(result.natsPerToken).toBeCloseTo(Math.log(64), 12);
  expect(result.bitsPerByte).toBeCloseTo((999 * 6) / 3000, 12);
  expect(perplexityMetrics('finetune', 'test', result)).toEqual({
    'finetune.test': result.perplexity,
    'finetune.test.bits_per_byte': result.bitsPerByte,
    'finetune.test.nats_per_token': result.natsPerToken,
  });
});

test('the protocol names everything the number depends on', () => {
  const protocol = {
    unit: 'BPE token',
    vocab: 4096,
    window: 256,
    stride: 128,
    scored: 149929,
    tokens: 149930,
    bytes: 487583,
    context: { min: 1, max: 256 },
  };
  const line = 'ppl|unit:BPE token|vocab:4096|window:256|stride:128|scored:149929/149930|bytes:487583|context:1-256';
  expect(formatPerplexityProtocol(protocol)).toBe(line);
  expect(formatPerplexityProtocol({ ...protocol, start: '</s>' })).toBe(`${line}|start:</s>`);
});

test('the median is the middle value, or the mean of the middle two', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 100])).toBe(3.5);
  expect(() => median([])).toThrow(RangeError);
});
