/** What a pass over a graph is, and running a list of them. */
import type { GraphBuilder } from '../onnx/graph.js';
import { GraphEditor } from './graph-editor.js';

/**
 * One kind of change that leaves what a graph computes as it is. Inputs and outputs of the graph keep their names, types and
 * number.
 */
export interface GraphPass {
  readonly name: string;
  /** Makes the change wherever it can be made. @returns how many changes that were; 0 at a graph that has none left */
  run(editor: GraphEditor): number;
}

/** Graphs settle in a few rounds; more than this many means that two passes undo each other. */
const MAX_ROUNDS = 100;

/**
 * Runs passes in turn, over and over, until none changes the graph. Nodes that no output needs are dropped, and constants that
 * no node reads.
 *
 * @returns the number of changes by the name of the pass
 */
export function runPasses(graph: GraphBuilder, passes: readonly GraphPass[]): Record<string, number> {
  const editor = new GraphEditor(graph);
  editor.dropDead();
  const changes = Object.fromEntries(passes.map(({ name }) => [name, 0]));
  /** Passes in a row that have changed nothing. */
  let quiet = 0;
  for (let turn = 0; quiet < passes.length; turn++) {
    if (turn === MAX_ROUNDS * passes.length) {
      const counts = Object.entries(changes).map(([name, count]) => `${name} ${count}`);
      throw new Error(`graph passes have not settled after ${MAX_ROUNDS} rounds; changes: ${counts.join(', ')}`);
    }
    const pass = passes[turn % passes.length]!;
    const made = pass.run(editor);
    changes[pass.name]! += made;
    quiet = made === 0 ? quiet + 1 : 0;
  }
  editor.dropDead();
  return changes;
}
