/** Serialises a graph as an ONNX model (IR version 9, opset 17 and Microsoft's contributed ops). */
import {
  type Attribute,
  ELEMENT_TYPES,
  type GraphBuilder,
  type GraphNode,
  type Initializer,
  type ValueInfo,
} from './graph.js';
import { ProtoWriter } from './protobuf.js';

const IR_VERSION = 9;
const OPSET = 17;
/** AttributeProto types. */
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

function attribute(name: string, value: Attribute): ProtoWriter {
  const proto = new ProtoWriter().string(1, name);
  if (typeof value === 'number') return proto.int(3, value).int(20, ATTRIBUTE.int);
  if (typeof value === 'string') return proto.string(4, value).int(20, ATTRIBUTE.string);
  if (Array.isArray(value)) {
    for (const item of value) proto.int(8, item);
    return proto.int(20, ATTRIBUTE.ints);
  }
  return proto.float(2, value.float).int(20, ATTRIBUTE.float);
}

type Naming = (name: string) => string;

function node({ op, domain, inputs, outputs, attributes }: GraphNode, named: Naming): ProtoWriter {
  const proto = new ProtoWriter();
  for (const name of inputs) proto.string(1, named(name));
  for (const name of outputs) proto.string(2, named(name));
  proto.string(3, outputs[0]!).string(4, op);
  for (const [name, value] of Object.entries(attributes)) proto.message(5, attribute(name, value));
  if (domain !== '') proto.string(7, domain);
  return proto;
}

/** Where an initializer's bytes lie when they are kept beside the model. */
export interface ExternalPlace {
  file: string;
  offset: number;
}

function initializer({ name, type, shape, data }: Initializer, place?: ExternalPlace): ProtoWriter {
  const proto = new ProtoWriter();
  for (const dim of shape) proto.int(1, dim);
  proto.int(2, ELEMENT_TYPES[type]).string(8, name);
  if (place === undefined) return proto.bytes(9, data);
  const entries = { location: place.file, offset: String(place.offset), length: String(data.length) };
  for (const [key, value] of Object.entries(entries)) {
    proto.message(13, new ProtoWriter().string(1, key).string(2, value));
  }
  return proto.int(14, 1);
}

function valueInfo({ name, type, shape, sequence = false }: ValueInfo, named: Naming): ProtoWriter {
  const dims = new ProtoWriter();
  for (const dim of shape) dims.message(1, new ProtoWriter().int(1, dim));
  const tensor = new ProtoWriter().int(1, ELEMENT_TYPES[type]).message(2, dims);
  const element = new ProtoWriter().message(1, tensor);
  const value = sequence ? new ProtoWriter().message(4, new ProtoWriter().message(1, element)) : element;
  return new ProtoWriter().string(1, named(name)).message(2, value);
}

/** What of a graph is written. */
export type GraphParts = Readonly<Pick<GraphBuilder, 'nodes' | 'initializers' | 'inputs' | 'outputs'>>;

export interface EncodeOptions {
  name: string;
  /** Place of each initializer that is stored beside the file. */
  external?: ReadonlyMap<string, ExternalPlace>;
  /** Other names for values of the graph, by the ones they have. */
  names?: ReadonlyMap<string, string>;
}

/** The bytes of an .onnx file. Throws where another name is taken already. */
export function encodeModel(
  graph: GraphParts,
  { name, external = new Map(), names = new Map() }: EncodeOptions,
): Uint8Array {
  const named: Naming = (value) => names.get(value) ?? value;
  const taken = new Set([
    ...graph.initializers.map((item) => item.name),
    ...graph.nodes.flatMap((item) => item.outputs),
  ]);
  for (const [from, to] of names)
    if (taken.has(to) && to !== from) throw new Error(`'${to}' cannot be the name of '${from}' too in graph '${name}'`);
  const body = new ProtoWriter();
  for (const item of graph.nodes) body.message(1, node(item, named));
  body.string(2, name);
  for (const item of graph.initializers) body.message(5, initializer(item, external.get(item.name)));
  for (const item of graph.inputs) body.message(11, valueInfo(item, named));
  for (const item of graph.outputs) body.message(12, valueInfo(item, named));
  const opset = (domain: string, version: number) => new ProtoWriter().string(1, domain).int(2, version);
  return new ProtoWriter()
    .int(1, IR_VERSION)
    .string(2, 't2r')
    .message(7, body)
    .message(8, opset('', OPSET))
    .message(8, opset('com.microsoft', 1))
    .finish();
}
