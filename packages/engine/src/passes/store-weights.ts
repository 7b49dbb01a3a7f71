/**
 * Stores the weights of a graph in fewer bits. Matrices that are only multiplied by and looked up in become blocks of whole
 * numbers (int8, int4): products become MatMulNBits, look-ups GatherBlockQuantized, and a table that is both (tied output)
 * is stored once. Matrices of fewer than LEAST numbers, vectors (biases, norms) and whatever else is done with a weight keep
 * float32. With fp16 all matrices of that size are stored as halves, and cast when the session opens.
 */
import type { GraphBuilder, GraphNode, Initializer } from '../onnx/graph.js';
import { BLOCK, quantizeBlocks } from '../quantize/blocks.js';
import { float16Bits } from '../quantize/float16.js';
import type { WeightFormat } from '../types.js';
import { floatsOf } from './constant-values.js';
import { GraphEditor } from './graph-editor.js';

/** Below it a matrix saves no time, and its rounding costs quality. */
const LEAST = 4096;
const MICROSOFT = 'com.microsoft';
/** Products on activations rounded to int8 a block; without it 8 bits are 40 times as slow on the processor. */
const ACCURACY_LEVEL = 4;

/** How a node uses a matrix. */
interface Use {
  node: GraphNode;
  kind: 'product' | 'look-up';
  /** The matrix is [outputs, inputs]. */
  transposed: boolean;
}

function useOf(node: GraphNode, name: string): Use | undefined {
  const { op, inputs, attributes } = node;
  const count = inputs.filter((input) => input === name).length;
  if (count !== 1) return undefined;
  if (op === 'Gather' && inputs[0] === name && (attributes.axis ?? 0) === 0)
    return { node, kind: 'look-up', transposed: true };
  if (!['Gemm', 'MatMul', 'FusedMatMul'].includes(op) || inputs[1] !== name) return undefined;
  const plain = (attributes.transA ?? 0) === 0 && attributes.alpha === undefined && attributes.beta === undefined;
  return plain ? { node, kind: 'product', transposed: (attributes.transB ?? 0) === 1 } : undefined;
}

/** The uses of a matrix, where all of them can be quantized and agree on how it lies. */
function usesOf(graph: GraphBuilder, { name }: Initializer): Use[] | undefined {
  const nodes = graph.nodes.filter(({ inputs }) => inputs.includes(name));
  const uses = nodes.map((node) => useOf(node, name));
  if (uses.length === 0 || uses.some((use) => use === undefined || use.transposed !== uses[0]!.transposed))
    return undefined;
  return uses as Use[];
}

function isMatrix({ type, shape }: Initializer): boolean {
  return type === 'float32' && shape.length === 2 && shape[0]! * shape[1]! >= LEAST;
}

function quantize(graph: GraphBuilder, matrix: Initializer, uses: readonly Use[], bits: 4 | 8): void {
  const { name, shape } = matrix;
  const { transposed } = uses[0]!;
  const [rows, columns] = (transposed ? shape : [shape[1], shape[0]]) as [number, number];
  const { values, scales } = quantizeBlocks({ data: floatsOf(matrix), rows, columns, transposed: !transposed }, bits);
  const blocks = Math.ceil(columns / BLOCK);
  const stored = graph.constant('uint8', [rows, blocks, (BLOCK * bits) / 8], values, `${name}.q${bits}`);
  for (const { node, kind } of uses) {
    const { inputs } = node;
    if (kind === 'product') {
      const scale = constantOnce(graph, `${name}.scale`, [rows * blocks], scales);
      const bias = node.op === 'Gemm' ? inputs[2] : undefined;
      node.inputs = [inputs[0]!, stored, scale, ...(bias === undefined ? [] : ['', '', bias])];
      node.op = 'MatMulNBits';
      node.domain = MICROSOFT;
      node.attributes = { K: columns, N: rows, bits, block_size: BLOCK, accuracy_level: ACCURACY_LEVEL };
      continue;
    }
    const scale = constantOnce(graph, `${name}.row_scale`, [rows, blocks, 1], scales);
    lookUp(graph, node, [stored, inputs[1]!, scale], { columns, blocks, bits });
  }
}

/** Turns a look-up of rows into one of blocks, joined to rows again. */
function lookUp(
  graph: GraphBuilder,
  node: GraphNode,
  inputs: string[],
  { columns, blocks, bits }: { columns: number; blocks: number; bits: number },
): void {
  const [result] = node.outputs as [string];
  const at = graph.nodes.indexOf(node);
  const attributes = { gather_axis: 0, quantize_axis: 2, block_size: BLOCK, bits };
  const parts = [`${result}.blocks`, `${result}.rows`] as const;
  const [shape, starts, ends, axes] = [[-1, blocks * BLOCK], [0], [columns], [1]].map((list) => graph.int64(list));
  const whole = columns === blocks * BLOCK;
  const nodes: GraphNode[] = [
    { op: 'GatherBlockQuantized', domain: MICROSOFT, inputs, outputs: [parts[0]], attributes },
    {
      op: 'Reshape',
      domain: '',
      inputs: [parts[0], shape!],
      outputs: [whole ? result : parts[1]],
      attributes: {},
    },
  ];
  if (!whole)
    nodes.push({
      op: 'Slice',
      domain: '',
      inputs: [parts[1], starts!, ends!, axes!],
      outputs: [result],
      attributes: {},
    });
  graph.nodes.splice(at, 1, ...nodes);
}

function constantOnce(graph: GraphBuilder, name: string, shape: number[], data: Float32Array): string {
  if (graph.initializers.some((one) => one.name === name)) return name;
  return graph.constant('float32', shape, data, name);
}

function halve(graph: GraphBuilder, matrix: Initializer): void {
  const { name, shape } = matrix;
  const stored = graph.constant('float16', shape, float16Bits(floatsOf(matrix)), `${name}.half`);
  graph.nodes.unshift({ op: 'Cast', domain: '', inputs: [stored], outputs: [name], attributes: { to: 1 } });
  graph.initializers.splice(graph.initializers.indexOf(matrix), 1);
}

/** Rewrites a traced graph in place. */
export function storeWeights(graph: GraphBuilder, format: WeightFormat): void {
  if (format === 'fp32') return;
  for (const matrix of graph.initializers.filter(isMatrix)) {
    if (format === 'fp16') halve(graph, matrix);
    else {
      const uses = usesOf(graph, matrix);
      if (uses !== undefined) quantize(graph, matrix, uses, format === 'int8' ? 8 : 4);
    }
  }
  new GraphEditor(graph).dropDead();
}
