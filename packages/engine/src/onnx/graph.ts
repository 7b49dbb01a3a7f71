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

/** What is known of a value before a run. */
export interface ValueType {
  type: ElementType;
  shape: readonly number[];
}

export interface NodeOptions {
  attributes?: Record<string, Attribute>;
  /** Number of outputs. Default 1. */
  outputs?: number;
  /** Default '' (the ONNX standard). */
  domain?: string;
}

/** Constants up to this many bytes are shared when their bytes are equal: a causal mask of 4,096 positions is 64 MiB, and all layers have it. */
const SHARED_BYTES = 1 << 28;

/** Contents of up to this many bytes are compared as they are, longer ones by their hash. */
const SHORT_BYTES = 64;

function contentKey(bytes: Uint8Array): string {
  if (bytes.length <= SHORT_BYTES) return bytes.join();
  return createHash('sha1').update(bytes).digest('base64');
}

export class GraphBuilder {
  readonly nodes: GraphNode[] = [];
  readonly initializers: Initializer[] = [];
  readonly inputs: ValueInfo[] = [];
  readonly outputs: ValueInfo[] = [];
  /** Types of values by name: those of inputs, constants and of what is described. */
  readonly types = new Map<string, ValueType>();
  /** Names of constants, by what is in them. */
  readonly #shared = new Map<string, string>();
  readonly #produced = new Set<string>();
  #counter = 0;

  /** A name that no value has yet. */
  fresh(prefix: string): string {
    return `${prefix}_${this.#counter++}`;
  }

  input(name: string, type: ElementType, shape: readonly number[]): string {
    this.inputs.push({ name, type, shape });
    this.describe(name, type, shape);
    return name;
  }

  output(name: string, type: ElementType, shape: readonly number[]): void {
    this.outputs.push({ name, type, shape });
  }

  /** Notes the type of a value; what is known already stays. */
  describe(name: string, type: ElementType, shape: readonly number[]): void {
    if (!this.types.has(name)) this.types.set(name, { type, shape });
  }

  /** Appends a node and returns the names of its outputs. */
  node(op: string, inputs: string[], { attributes = {}, outputs = 1, domain = '' }: NodeOptions = {}): string[] {
    const names = Array.from({ length: outputs }, () => this.fresh(op));
    this.nodes.push({ op, domain, inputs: [...inputs], outputs: names, attributes });
    for (const name of names) this.#produced.add(name);
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
    const key = share ? `${type}[${shape}]${contentKey(bytes)}` : '';
    const known = share ? this.#shared.get(key) : undefined;
    if (known !== undefined) return known;
    const stored = name ?? this.fresh('const');
    if (share) this.#shared.set(key, stored);
    this.initializers.push({ name: stored, type, shape: [...shape], data: bytes });
    this.describe(stored, type, shape);
    return stored;
  }

  /** A 1-D int64 constant, as shapes and axes are given. */
  int64(values: readonly number[]): string {
    const key = `int64 ${values.join()}`;
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.constant('int64', [values.length], BigInt64Array.from(values, BigInt));
    this.#shared.set(key, name);
    return name;
  }

  /** Drops all but the named constants. */
  keepConstants(needed: ReadonlySet<string>): void {
    const kept = this.initializers.filter(({ name }) => needed.has(name));
    if (kept.length === this.initializers.length) return;
    this.initializers.splice(0, this.initializers.length, ...kept);
    for (const [key, name] of this.#shared) if (!needed.has(name)) this.#shared.delete(key);
  }

  /** True where a node of the graph makes the value. */
  produces(name: string): boolean {
    return this.#produced.has(name);
  }

  /** Renames values everywhere. */
  rename(names: ReadonlyMap<string, string>): void {
    const swap = (name: string) => names.get(name) ?? name;
    for (const [from, to] of names) {
      if (this.#produced.delete(from)) this.#produced.add(to);
      const type = this.types.get(from);
      if (type !== undefined) this.types.set(to, type);
    }
    for (const node of this.nodes) {
      node.inputs = node.inputs.map(swap);
      node.outputs = node.outputs.map(swap);
    }
  }

  float(value: number): string {
    return this.constant('float32', [], new Float32Array([value]));
  }
}
