/** Common subexpressions: nodes that do the same with the same values become one. */
import type { GraphNode } from '../onnx/graph.js';
import type { GraphEditor } from './graph-editor.js';
import type { GraphPass } from './run-passes.js';

/** What a node computes, as text. */
function meaning({ op, domain, inputs, attributes, outputs }: GraphNode): string {
  const options = JSON.stringify(attributes);
  return `${domain}.${op} ${outputs.length} ${options}\n${inputs.join('\n')}`;
}

function share(editor: GraphEditor, node: GraphNode, first: GraphNode): boolean {
  // Two graph outputs of one value need a node each.
  if (node.outputs.some((name, i) => editor.isOutput(name) && editor.isOutput(first.outputs[i]!))) return false;
  node.outputs.forEach((name, i) => {
    editor.replace(name, first.outputs[i]!);
  });
  return true;
}

export const shareEqualNodes: GraphPass = {
  name: 'share-equal-nodes',
  run(editor) {
    const known = new Map<string, GraphNode>();
    return editor.changeNodes((node) => {
      // Nodes before this one have been shared by now, and it reads what is left of them.
      const key = meaning(node);
      const first = known.get(key);
      if (first === undefined) known.set(key, node);
      return first !== undefined && share(editor, node, first);
    });
  },
};
