import { describe, expect, it } from 'vitest';
import { columns, headByHead, rotaryPairs, rows, same, type Transform, transposed } from './transforms.js';

/** A matrix [in, out] whose element (i, o) of part p tells where it comes from: 1000 p + 10 i + o / 100. */
const element = (part: number, input: number, output: number) => Math.fround(1000 * part + 10 * input + output / 100);

function matrix(part: number, [width, count]: number[]): Float32Array {
  return Float32Array.from({ length: width! * count! }, (_, i) => element(part, Math.floor(i / count!), i % count!));
}

/** Name, transform, shapes of parts, shape stored, and the element stored at (row, column). */
const CASES: [string, Transform, number[][], number[], (row: number, column: number) => number][] = [
  ['same', same, [[3, 5]], [3, 5], (i, o) => element(0, i, o)],
  ['transposed', transposed, [[40, 70]], [70, 40], (o, i) => element(0, i, o)],
  [
    'columns',
    columns,
    [
      [3, 4],
      [3, 2],
    ],
    [3, 6],
    (i, o) => (o < 4 ? element(0, i, o) : element(1, i, o - 4)),
  ],
  [
    'rows',
    rows(),
    [
      [3, 4],
      [3, 2],
    ],
    [6, 3],
    (o, i) => (o < 4 ? element(0, i, o) : element(1, i, o - 4)),
  ],
  [
    'rows, the first upright',
    rows({ upright: [true, false] }),
    [
      [4, 3],
      [3, 2],
    ],
    [6, 3],
    (o, i) => (o < 4 ? element(0, o, i) : element(1, i, o - 4)),
  ],
  [
    'head by head',
    headByHead(2),
    [
      [3, 8],
      [3, 8],
      [3, 8],
    ],
    [24, 3],
    // As view(heads, 3, headDim, in) of GPT-NeoX has it.
    (row, i) => {
      const [head, part, within] = [Math.floor(row / 12), Math.floor(row / 4) % 3, row % 4];
      return element(part, i, 4 * head + within);
    },
  ],
  [
    'rotary pairs',
    rotaryPairs(2),
    [[3, 12]],
    [12, 3],
    // Rows 2j and 2j + 1 of a head are its columns j and j + 3.
    (row, i) => {
      const [head, within] = [Math.floor(row / 6), row % 6];
      return element(0, i, 6 * head + Math.floor(within / 2) + 3 * (within % 2));
    },
  ],
];

describe.each(CASES)('%s', (_, transform, parts, stored, at) => {
  const data = parts.map((shape, part) => matrix(part, shape));

  it('stores elements where they belong, and finds them again', () => {
    expect(transform.shape(parts)).toEqual(stored);
    const made = transform.join(data, parts);
    const [height, width] = stored as [number, number];
    expect(made).toEqual(
      Float32Array.from({ length: height * width }, (__, i) => at(Math.floor(i / width), i % width)),
    );
    expect(transform.split(made, parts)).toEqual(data);
  });

  it('treats biases as rows', () => {
    // Of matrices that are upright here, only whole ones are stored like that.
    if (parts[0]![1] === 3) return;
    const shapes = parts.map(([, count]) => [count!]);
    const biases = shapes.map(([count], part) => matrix(part, [1, count!]));
    const made = transform.join(biases, shapes);
    expect(transform.shape(shapes)).toEqual([made.length]);
    expect(transform.split(made, shapes)).toEqual(biases);
    const whole = transform.join(
      biases,
      shapes.map(([count]) => [1, count!]),
    );
    expect(made).toEqual(whole);
  });
});
