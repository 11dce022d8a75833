/** Changes to encoded ONNX models that no exporter would make. */
import protobuf from 'protobufjs';
import { modelType } from '../../src/conversion/onnx/schema.ts';

export interface TensorMessage {
  name: string;
  dims: number[];
  dataType: number;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: number[];
  rawData?: Uint8Array;
  dataLocation?: number;
}

export interface AttributeMessage {
  name: string;
  type?: number;
  f?: number;
  i?: number;
  s?: Uint8Array;
  ints?: number[];
  g?: GraphMessage;
}

export interface NodeMessage {
  name: string;
  opType: string;
  domain?: string;
  input: string[];
  output: string[];
  attribute: AttributeMessage[];
}

export interface Dimension {
  dimValue?: number;
  dimParam?: string;
}

export interface ValueMessage {
  name: string;
  type: { tensorType: { elemType: number; shape?: { dim: Dimension[] } } };
}

export interface GraphMessage {
  node: NodeMessage[];
  initializer: TensorMessage[];
  sparseInitializer?: { dims: number[] }[];
  input: ValueMessage[];
  output: ValueMessage[];
  valueInfo: ValueMessage[];
}

export interface ModelMessage {
  opsetImport: { domain: string; version: number }[];
  graph: GraphMessage;
}

/** The schema that the converter reads, and subgraphs, which it skips. */
async function fullType(): Promise<protobuf.Type> {
  const type = await modelType();
  type.root.lookupType('onnx.AttributeProto').add(new protobuf.Field('g', 6, 'GraphProto', 'optional'));
  return type;
}

/** The model after `edit` has worked on its messages; whatever their types admit may be put there. */
export async function altered(model: Uint8Array, edit: (message: ModelMessage) => void): Promise<Uint8Array> {
  const type = await fullType();
  const message = type.toObject(type.decode(model), { longs: Number, arrays: true });
  edit(asModel(message));
  return type.encode(type.fromObject(message)).finish();
}

function asModel(message: object): ModelMessage {
  if (!('graph' in message && 'opsetImport' in message)) throw new TypeError('not a model');
  // The schema that decoded the message is the one that the interfaces above spell out.
  return message as ModelMessage;
}

/** @throws where there is no such node */
export function nodeOf({ graph }: ModelMessage, opType: string): NodeMessage {
  return found(
    graph.node.find((node) => node.opType === opType),
    opType,
  );
}

/** The stored tensor that is this input of that node. */
export function tensorOf({ graph }: ModelMessage, { input }: NodeMessage, index: number): TensorMessage {
  return found(
    graph.initializer.find(({ name }) => name === input[index]),
    `input ${index}`,
  );
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`The model has no ${what}`);
  return value;
}
