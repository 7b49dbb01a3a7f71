import { describe, expect, test } from 'vitest';
import { failAt } from '../format-error.js';
import { readStateDict } from '../formats/state-dict.js';
import { readTorchPickle } from '../formats/torch-pickle.js';

const fail = failAt('x.pt');
const text = (value: string) => {
  const head = Buffer.alloc(5, 'X');
  head.writeUInt32LE(value.length, 1);
  return head.toString('latin1') + value;
};
const storage = (key: string) => `(${text('storage')}ctorch\nFloatStorage\n${text(key)}${text('cpu')}K\x04tQ`;
const tensor = (key = '0') => `ctorch._utils\n_rebuild_tensor_v2\n(${storage(key)}K\x00K\x04\x85K\x01\x85\x89)tR`;
const read = (body: string) =>
  readStateDict(readTorchPickle(Buffer.from(`\x80\x02${body}.`, 'latin1'), fail).value, fail);

/** Lists 1 to count in the memo, each of nine times the one before. */
const levels = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => `](${`h${String.fromCharCode(i)}`.repeat(9)}eq${String.fromCharCode(i + 1)}0`,
  ).join('');

test('a tensor written by hand is one', () => {
  const { tensors } = read(`}${text('w')}${tensor()}s`);
  expect([...tensors.values()][0]).toMatchObject({ dtype: 'F32', shape: [4], strides: [1], offset: 0 });
});

describe('what would take for ever, or all memory, ends in an error', () => {
  test.each([
    ['a dictionary in itself', `}q\x00${text('w')}${tensor()}s${text('self')}h\x00s`, 'nested more than 32 deep'],
    ['lists of lists of lists', `]q\x000${levels(30)}}${text('w')}${tensor()}s${text('x')}h\x1es`, 'millions'],
    [
      'one large dictionary many times',
      // Its keys are tuples, which make no names.
      `}${text('w')}${tensor()}s${text('x')}](}(${')N'.repeat(1e5)}uq\x00${'h\x00'.repeat(1e5)}es`,
      'millions',
    ],
    [
      'a long name over many',
      `}${text('n'.repeat(5000))}}${text('w')}${tensor()}ss`,
      "a tensor's name has 5002 characters",
    ],
    ['a long key', `}${text('w')}${tensor('0'.repeat(5000))}s`, 'key has 5000 characters'],
  ])('%s', (_, body, message) => {
    expect(() => read(body)).toThrow(message);
  });
});
