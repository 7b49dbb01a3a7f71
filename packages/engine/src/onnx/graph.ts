/** An ONNX graph under construction: nodes, initializers, inputs and outputs by name. */
import { createHash } from 'node:crypto';

/** ONNX element types used here, with their TensorProto numbers. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

export type Attribute = number | string | number[] | { float: number };

export interface GraphNode {
  op: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, Attribute>;
}

export interface Initializer {
  name: string;
  type: ElementType;
  shape: readonly number[];
  data: Uint8Array;
}

export interface ValueInfo {
  name: string;
  type: ElementType;
  shape: readonly number[];
  /** A sequence of such tensors. */
  sequence?: boolean;
}

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Number of outputs. Default 1. */
  outputs?: number;
  /** Default '' (the ONNX standard). */
  domain?: string;
  /** Append the node even where an equal one is there. */
  unique?: boolean;
}

/** Constants up to this many bytes are shared when their bytes are equal. */
const SHARED_BYTES = 1 << 20;

export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: ValueInfo[] = [];
  readonly outputs: ValueInfo[] = [];
  readonly #shared = new Map<string, string>();
  /** Nodes by operation and inputs, so that equal expressions are computed once. */
  readonly #known = new Map<string, string[]>();
  readonly #produced = new Map<string, GraphNode>();
  #counter = 0;

  #fresh(prefix: string): string {
    return `${prefix}_${this.#counter++}`;
  }

  input(name: string, type: ElementType, shape: readonly number[]): string {
    this.inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, type: ElementType, shape: readonly number[]): void {
    this.outputs.push({ name, type, shape });
  }

  /** Appends a node and returns the names of its outputs. A node that is there already is used again. */
  node(
    op: string,
    inputs: string[],
    { attributes = {}, outputs = 1, domain = '', unique = false }: NodeOptions = {},
  ): string[] {
    const key = JSON.stringify([op, domain, inputs, attributes, outputs]);
    const known = this.#known.get(key);
    if (known !== undefined && !unique) return known;
    const names = Array.from({ length: outputs }, () => this.#fresh(op));
    const node = { op, domain, inputs: [...inputs], outputs: names, attributes };
    this.nodes.push(node);
    for (const name of names) this.#produced.set(name, node);
    if (!unique) this.#known.set(key, names);
    return names;
  }

  /** Like `node`, for the usual single output. */
  op(op: string, inputs: string[], options: Omit<NodeOptions, 'outputs'> = {}): string {
    return this.node(op, inputs, options)[0]!;
  }

  /** A constant tensor; equal small ones are stored once. */
  constant(type: ElementType, shape: readonly number[], data: ArrayBufferView, name?: string): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const share = name === undefined && bytes.length <= SHARED_BYTES;
    const key = share ? `${type}[${shape}]${createHash('sha1').update(bytes).digest('base64')}` : '';
    const known = share ? this.#shared.get(key) : undefined;
    if (known !== undefined) return known;
    const stored = name ?? this.#fresh('const');
    if (share) this.#shared.set(key, stored);
    this.initializers.push({ name: stored, type, shape: [...shape], data: bytes });
    return stored;
  }

  /** A 1-D int64 constant, as shapes and axes are given. */
  int64(values: readonly number[]): string {
    return this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Drops nodes and initializers that no output needs. */
  prune(): void {
    const needed = new Set(this.outputs.map(({ name }) => name));
    const kept: GraphNode[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      for (const name of node.inputs) needed.add(name);
      kept.push(node);
    }
    this.nodes.splice(0, this.nodes.length, ...kept.reverse());
    const initializers = this.initializers.filter(({ name }) => needed.has(name));
    this.initializers.splice(0, this.initializers.length, ...initializers);
  }

  /** The node that makes a value, while the graph is built; none makes inputs and constants. */
  producer(name: string): Readonly<GraphNode> | undefined {
    return this.#produced.get(name);
  }

  /** True where a node of the graph makes the value. */
  produces(name: string): boolean {
    return this.#produced.has(name);
  }

  /** Renames values everywhere; the last thing done to a graph, since nodes are found again by their old names. */
  rename(names: ReadonlyMap<string, string>): void {
    const swap = (name: string) => names.get(name) ?? name;
    for (const node of this.nodes) {
      node.inputs = node.inputs.map(swap);
      node.outputs = node.outputs.map(swap);
    }
  }

  float(value: number): string {
    return this.constant('float32', [], new Float32Array([value]));
  }
}
