/** Drops nodes that no output of the graph needs. */
import type { GraphPass } from './run-passes.js';

export const dropDeadNodes: GraphPass = { name: 'drop-dead-nodes', run: (editor) => editor.dropDead() };
