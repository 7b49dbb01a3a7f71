/** A graph while passes change it: who makes and who reads each value, kept up to date with every change. */
import type { Attribute, ElementType, GraphBuilder, GraphNode, Initializer, ValueType } from '../onnx/graph.js';

/** What a node does, apart from the names of its outputs. */
export interface NodeAction {
  op: string;
  inputs: string[];
  attributes?: Record<string, Attribute>;
  /** Default '' (the ONNX standard). */
  domain?: string;
}

const NO_READERS: ReadonlySet<GraphNode> = new Set();

export class GraphEditor {
  readonly graph: GraphBuilder;
  readonly #makers = new Map<string, GraphNode>();
  readonly #readers = new Map<string, Set<GraphNode>>();
  readonly #constants = new Map<string, Initializer>();
  readonly #outputs: ReadonlySet<string>;
  /** Nodes that nothing reads any more; they leave the graph in `dropDead`. */
  readonly #dead = new Set<GraphNode>();

  constructor(graph: GraphBuilder) {
    this.graph = graph;
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const constant of graph.initializers) this.#constants.set(constant.name, constant);
    for (const node of graph.nodes) this.#connect(node);
  }

  /** Calls `change` for each node, in an order in which nodes come after those they read. @returns for how many it was true */
  changeNodes(change: (node: GraphNode) => boolean): number {
    let changes = 0;
    for (const node of [...this.graph.nodes]) if (!this.#dead.has(node) && change(node)) changes++;
    return changes;
  }

  /** The node that makes a value; none makes inputs and constants. */
  maker(value: string): Readonly<GraphNode> | undefined {
    return this.#makers.get(value);
  }

  /** The node that makes a value, where it is of the given operation. */
  made(value: string | undefined, op: string): Readonly<GraphNode> | undefined {
    const node = value === undefined ? undefined : this.#makers.get(value);
    return node?.op === op ? node : undefined;
  }

  readers(value: string): ReadonlySet<GraphNode> {
    return this.#readers.get(value) ?? NO_READERS;
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  constant(value: string): Readonly<Initializer> | undefined {
    return this.#constants.get(value);
  }

  type(value: string): ValueType | undefined {
    return this.graph.types.get(value);
  }

  /** Stores a constant; equal small ones are stored once. */
  addConstant(type: ElementType, shape: readonly number[], data: ArrayBufferView): string {
    return this.#known(this.graph.constant(type, shape, data));
  }

  /** A 1-D int64 constant, as shapes and axes are given. */
  addInt64(values: readonly number[]): string {
    return this.#known(this.graph.int64(values));
  }

  /** Takes note of a constant that may have been added to the graph just now. */
  #known(constant: string): string {
    if (!this.#constants.has(constant)) this.#constants.set(constant, this.graph.initializers.at(-1)!);
    return constant;
  }

  /** Puts a node with one output in front of another one and returns the output's name. */
  insert(before: GraphNode, { op, inputs, attributes = {}, domain = '' }: NodeAction, type?: ValueType): string {
    const name = this.graph.fresh(op);
    const node = { op, domain, inputs: [...inputs], outputs: [name], attributes };
    this.graph.nodes.splice(this.graph.nodes.indexOf(before), 0, node);
    this.#connect(node);
    if (type !== undefined) this.graph.describe(name, type.type, type.shape);
    return name;
  }

  /** Lets a node do something else. The names of its outputs, and what they stand for, stay. */
  rewrite(node: GraphNode, { op, inputs, attributes = {}, domain = '' }: NodeAction): void {
    const before = node.inputs;
    this.#disconnect(node);
    Object.assign(node, { op, domain, inputs: [...inputs], attributes });
    this.#connect(node);
    for (const name of before) this.#release(name);
  }

  /**
   * Lets everything that reads `value` read `by`, which stands for the same numbers. Names of graph outputs stay: where
   * `value` is one, what made `by` makes it from now on.
   *
   * @returns whether that was possible: one value cannot have the names of two outputs, and inputs and constants keep theirs
   */
  replace(value: string, by: string): boolean {
    if (!this.#outputs.has(value)) {
      this.#redirect(value, by);
      this.#release(value);
      return true;
    }
    const maker = this.#makers.get(by);
    if (maker === undefined || this.#outputs.has(by)) return false;
    const former = this.#makers.get(value)!;
    const unused = this.graph.fresh('unused');
    former.outputs = former.outputs.map((name) => (name === value ? unused : name));
    this.#makers.set(unused, former);
    maker.outputs = maker.outputs.map((name) => (name === by ? value : name));
    this.#makers.set(value, maker);
    this.#makers.delete(by);
    this.#redirect(by, value);
    this.#release(unused);
    return true;
  }

  /** Replaces the only output of a node by an equal value. @returns whether the graph has changed */
  bypass(node: GraphNode, by: string): boolean {
    if (this.replace(node.outputs[0]!, by)) return true;
    if (node.op === 'Identity') return false;
    this.rewrite(node, { op: 'Identity', inputs: [by] });
    return true;
  }

  /** Removes nodes that no output needs, and constants that no node reads. @returns the number of nodes */
  dropDead(): number {
    const { graph } = this;
    for (const node of [...graph.nodes].reverse()) this.#bury(node);
    const count = this.#dead.size;
    if (count > 0) graph.nodes.splice(0, graph.nodes.length, ...graph.nodes.filter((node) => !this.#dead.has(node)));
    this.#dead.clear();
    const read = new Set([...this.#constants.keys()].filter((name) => this.readers(name).size > 0));
    for (const name of this.#constants.keys()) if (!read.has(name)) this.#constants.delete(name);
    graph.keepConstants(read);
    return count;
  }

  #connect(node: GraphNode): void {
    for (const name of node.outputs) this.#makers.set(name, node);
    for (const name of node.inputs) {
      const readers = this.#readers.get(name);
      if (readers === undefined) this.#readers.set(name, new Set([node]));
      else readers.add(node);
    }
  }

  #disconnect(node: GraphNode): void {
    for (const name of node.inputs) this.#readers.get(name)?.delete(node);
  }

  #redirect(from: string, to: string): void {
    const readers = this.#readers.get(from);
    if (readers === undefined) return;
    this.#readers.delete(from);
    for (const node of readers) {
      node.inputs = node.inputs.map((name) => (name === from ? to : name));
      const others = this.#readers.get(to);
      if (others === undefined) this.#readers.set(to, new Set([node]));
      else others.add(node);
    }
  }

  /** Takes note that a reader of a value is gone. */
  #release(value: string): void {
    const maker = this.#makers.get(value);
    if (maker !== undefined) this.#bury(maker);
  }

  /** Takes a node that nothing reads out, and with it what was made for it alone. */
  #bury(node: GraphNode): void {
    if (this.#dead.has(node)) return;
    if (node.outputs.some((name) => this.#outputs.has(name) || this.readers(name).size > 0)) return;
    this.#dead.add(node);
    this.#disconnect(node);
    for (const name of node.inputs) this.#release(name);
  }
}
