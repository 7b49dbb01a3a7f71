/**
 * Which variables a program may write where it reads them, instead of into a second buffer: an optimizer's slots, the summed
 * gradients of several batches, recurrent states, and parameters whose update waits for the norm of all gradients.
 */
import type { GraphBuilder, GraphNode } from '../onnx/graph.js';

/** Nodes that compute every element from the elements at its place alone. */
const ELEMENTWISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Where']);

/** Nodes whose output may be their input under another name. */
const ALIASES = new Set(['Reshape', 'Identity', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast']);

interface Uses {
  producer: Map<string, GraphNode>;
  consumers: Map<string, GraphNode[]>;
}

function usesOf({ nodes }: GraphBuilder): Uses {
  const producer = new Map<string, GraphNode>();
  const consumers = new Map<string, GraphNode[]>();
  for (const node of nodes) {
    for (const name of node.outputs) producer.set(name, node);
    for (const name of new Set(node.inputs)) consumers.set(name, [...(consumers.get(name) ?? []), node]);
  }
  return { producer, consumers };
}

/** True where `to` reads, through other nodes, what `from` makes; no order of the graph then runs it before. */
function precedes(from: GraphNode, to: GraphNode, { consumers }: Uses, cleared: Set<GraphNode>): boolean {
  if (cleared.has(from)) return true;
  const seen = new Set([from]);
  const open = [from];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of node.outputs.flatMap((name) => consumers.get(name) ?? [])) {
      if (next === to) {
        cleared.add(from);
        return true;
      }
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return false;
}

/**
 * True where the graph can write `output` over `input`, an input of the same shape. The last node must be elementwise and
 * read the input, or a product of it that is elementwise too; all other readers must have run before it. A reader that is
 * not elementwise must not be one of the last node's own inputs, since a runtime may make one node of the two.
 */
function writesInPlace(input: string, output: string, uses: Uses): boolean {
  const last = uses.producer.get(output);
  if (last === undefined || !ELEMENTWISE.has(last.op)) return false;
  const readers = uses.consumers.get(input) ?? [];
  if (readers.some(({ op }) => ALIASES.has(op))) return false;
  const operands = new Set(last.inputs.map((name) => uses.producer.get(name)));
  const near = readers.filter((node) => node === last || operands.has(node));
  if (near.length === 0 || !near.every(({ op }) => ELEMENTWISE.has(op))) return false;
  const cleared = new Set<GraphNode>();
  return readers.every((node) => node === last || precedes(node, last, uses, cleared));
}

/** Of updates given as [key, variable's input, output] those that can be written in place, by key. */
export function inPlaceUpdates(
  graph: GraphBuilder,
  updates: readonly { key: string; input: string; output: string }[],
): Set<string> {
  const uses = usesOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  return new Set(
    updates
      .filter(({ input, output }) => {
        // A variable that is handed out as it is would change under its reader.
        const aliased = outputs.has(input);
        return !aliased && writesInPlace(input, output, uses);
      })
      .map(({ key }) => key),
  );
}
