/** Moving states and sources' tensors into the rows of a program: from other programs, from groups, with other lengths. */
import { type Engine, type HostTensor, sizeOf, type Variables } from '@t2r/engine';
import { zeroState } from '../cache.js';
import type { SourceGroup } from './group.js';
import { type BoundProgram, contextName } from './programs.js';

/** Shapes of a sentence's tensors, without axis 0. */
export type SentenceShapes = Readonly<Record<string, readonly number[]>>;

export function sentenceShapes(context: Record<string, HostTensor>): SentenceShapes {
  return Object.fromEntries(Object.entries(context).map(([name, { shape }]) => [name, shape.slice(1)]));
}

/** The least shapes that hold all of them. */
export function commonShapes(all: readonly SentenceShapes[]): SentenceShapes {
  const [first = {}, ...rest] = all;
  const most = (name: string, axis: number) => Math.max(...all.map((shapes) => shapes[name]![axis]!));
  if (rest.length === 0) return first;
  return Object.fromEntries(Object.entries(first).map(([name, shape]) => [name, shape.map((_, i) => most(name, i))]));
}

/** The one axis along which tensors of two programs have other sizes: that of the source's length. */
function lengthAxis(a: readonly number[], b: readonly number[]): number | undefined {
  const axes = a.flatMap((size, axis) => (axis > 0 && size !== b[axis] ? [axis] : []));
  if (axes.length > 1) throw new Error(`tensors of shapes [${a}] and [${b}] differ in more than their lengths`);
  return axes[0];
}

/** Row `from` of the sources' tensors `source` becomes row `to`; what the target has room for beyond is left as it is. */
function copyContext(source: Variables, from: number, target: BoundProgram, to: number): void {
  for (const name of Object.keys(target.shape.context).map(contextName)) {
    const [own, other] = [target.variables.spec(name).shape, source.spec(name).shape];
    const axis = lengthAxis(own, other);
    const rows = axis === undefined ? undefined : { axis, start: 0, end: Math.min(own[axis]!, other[axis]!) };
    target.variables.copyEntry(name, { from, to, source, rows });
  }
}

/** Which row (`from`) of another program, or sentence of it, goes where. */
export interface Move {
  from: number;
  to: number;
  /** Positions in the state. */
  positions: number;
}

/** Moves sentences (their `beam` rows of state, and their sources' tensors) from one program to another. */
export function moveSentences(from: BoundProgram, to: BoundProgram, moves: readonly Move[]): void {
  const { beam, context } = to.shape;
  for (const [name, shape] of Object.entries(context)) {
    const axis = lengthAxis(shape, from.shape.context[name]!);
    // Longer than before: what the rows do not fill is padding, and its mask is 0.
    if (axis !== undefined && shape[axis]! > from.shape.context[name]![axis]!)
      to.variables.write(contextName(name), new Float32Array(sizeOf(shape)));
  }
  for (const move of moves) {
    for (const { name, grows } of to.specs) {
      const rows = grows ? { axis: 2, start: 0, end: move.positions } : undefined;
      for (let row = 0; row < beam; row++) {
        const entry = { from: move.from * beam + row, to: move.to * beam + row };
        to.variables.copyEntry(name, { ...entry, source: from.variables, rows });
      }
    }
    copyContext(from.variables, move.from, to, move.to);
  }
}

/** Puts sentences of a group into a program, each into all rows of its place. */
export function placeSentences(
  group: SourceGroup,
  to: BoundProgram,
  moves: readonly Omit<Move, 'positions'>[],
  engine: Engine,
): void {
  const { beam } = to.shape;
  const fixed = to.specs.filter(({ grows }) => !grows);
  const empty = engine.variables(zeroState(fixed.map((spec) => ({ ...spec, shape: [1, ...spec.shape.slice(1)] }))));
  const rows = moves.map(({ from }) => from);
  const context = engine.variables(
    Object.fromEntries(
      Object.entries(group.context).map(([name, tensor]) => [
        contextName(name),
        takeRows(tensor, rows, to.shape.context[name]!.slice(1)),
      ]),
    ),
  );
  for (const [i, move] of moves.entries()) {
    for (const { name, grows } of to.specs) {
      // Caches hold nothing that is read before it is written.
      if (grows && group.start === 0) continue;
      const rows = grows ? { axis: 2, start: 0, end: group.start } : undefined;
      const source = group.state ?? empty;
      const from = group.state ? move.from : 0;
      for (let row = 0; row < beam; row++)
        to.variables.copyEntry(name, { from, to: move.to * beam + row, source, rows });
    }
    copyContext(context, i, to, move.to);
  }
  context.dispose();
  empty.dispose();
}

/** Sentences `rows` of a tensor, with zeros up to a greater length; `shape` is that of one sentence in the target. */
function takeRows(tensor: HostTensor, rows: readonly number[], shape: readonly number[]): HostTensor {
  const own = tensor.shape.slice(1);
  const axis = lengthAxis([0, ...shape], [0, ...own]);
  const longer = axis !== undefined && shape[axis - 1]! > own[axis - 1]!;
  const taken = longer ? shape : own;
  const [width, whole] = [sizeOf(own), sizeOf(taken)];
  // Numbers that stay together; after each, zeros fill the greater length.
  const run = longer ? sizeOf(own.slice(axis - 1)) : width;
  const stride = longer ? sizeOf(taken.slice(axis - 1)) : whole;
  const data = new Float32Array(rows.length * whole);
  for (const [i, row] of rows.entries()) {
    for (let part = 0; part * run < width; part++) {
      const start = row * width + part * run;
      data.set((tensor.data as Float32Array).subarray(start, start + run), i * whole + part * stride);
    }
  }
  return { shape: [rows.length, ...taken], data };
}

export function clearState({ specs, variables }: BoundProgram): void {
  for (const { name, shape } of specs) variables.write(name, new Float32Array(sizeOf(shape)));
}
