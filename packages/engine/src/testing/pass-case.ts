/** Test support: what passes make of a program's graph, and that its numbers stay what they were. */
import { createRandom } from '@t2r/core';
import { expect } from 'vitest';
import type { GraphNode } from '../onnx/graph.js';
import { openEngine } from '../open.js';
import { sizeOf } from '../ops/shape.js';
import { type GraphPass, runPasses } from '../passes/run-passes.js';
import { traceProgram } from '../trace/trace.js';
import type { CompileOptions, HostArray } from '../types.js';
import { largestError } from './compare.js';

export interface PassCase extends Pick<CompileOptions, 'inputs' | 'constants' | 'program'> {
  /** Largest error relative to the plain TensorFlow.js engine. Default 1e-5. */
  tolerance?: number;
  /** Largest relative error that the passes themselves may bring. Default 0. */
  change?: number;
}

export interface PassOutcome {
  /** Operations before and after, in order. */
  before: string[];
  after: string[];
  nodes: readonly GraphNode[];
  /** Changes by the name of the pass. */
  changes: Record<string, number>;
}

/** Positive numbers from a seed: powers and roots of them are numbers too. */
function draw({ inputs }: PassCase): Record<string, HostArray> {
  const random = createRandom(1, 'pass case');
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype = 'float32' }]) => {
      const length = sizeOf(shape);
      if (dtype !== 'float32') return [name, Int32Array.from({ length }, () => random.integer(2))];
      return [name, Float32Array.from({ length }, () => 0.1 + random.uniform())];
    }),
  );
}

/** Runs passes on a program's graph, and the program with them, without them and on the plain engine, whose results must agree. */
export async function runPassCase(passes: readonly GraphPass[], testCase: PassCase): Promise<PassOutcome> {
  const { tolerance = 1e-5, change = 0, ...program } = testCase;
  const options = { name: 'case', ...program };
  const feeds = draw(testCase);
  const results: Record<string, HostArray>[] = [];
  for (const engine of [
    await openEngine('cpu'),
    await openEngine('onnx', { threads: 1, passes: [] }),
    await openEngine('onnx', { threads: 1, passes }),
  ]) {
    const compiled = await engine.compile(options);
    results.push(await compiled.run(feeds));
    await engine.dispose();
  }
  const [plain, without, withPasses] = results as [
    Record<string, HostArray>,
    Record<string, HostArray>,
    Record<string, HostArray>,
  ];
  expect(Object.keys(withPasses)).toEqual(Object.keys(plain));
  expect(largestError(withPasses, without)).toBeLessThanOrEqual(change);
  expect(largestError(withPasses, plain)).toBeLessThanOrEqual(tolerance);
  const { graph } = traceProgram(options, []);
  const operations = () => graph.nodes.map(({ op }) => op);
  const before = operations();
  const declared = { inputs: [...graph.inputs], outputs: [...graph.outputs] };
  const changes = runPasses(graph, passes);
  expect({ inputs: graph.inputs, outputs: graph.outputs }).toEqual(declared);
  return { before, after: operations(), nodes: graph.nodes, changes };
}
