/** Float graph → float ONNX, opset 17: what the network computes before any quantisation. */
import { INPUT_NAME } from '../../model/graph.ts';
import { type FloatClamp, type FloatGraph, type FloatNode, floatInputsOf } from '../float/graph.ts';
import { emitFormula } from './formula.ts';
import { rowsChannelsFirst } from './layout.ts';
import {
  asMap,
  asVector,
  choice,
  clamped,
  convolution,
  flatten,
  logitsOf,
  type Placed,
  pad,
  sum,
  windowAttributes,
} from './operators.ts';
import { OnnxWriter } from './writer.ts';

/**
 * The same function in ONNX: input `image`, float32 [n, C, H, W], RGB in 0…1; output `logits`, [n, classes]. Weights are
 * rounded to float32. Same graph, same bytes.
 */
export async function exportFloat(graph: FloatGraph): Promise<Uint8Array> {
  const writer = new OnnxWriter();
  const tensors = emitAll(writer, graph);
  const logits = logitsOf(writer, lookUpIn(tensors, graph.output), graph.outputOrder);
  return writer.encode(graph.inputShape, logits, graph.outputOrder.length);
}

/**
 * The same with every tensor as an output of its own: float32, channels first.
 * @returns the ONNX name of each tensor; a flattened map that dense layers alone read is the map itself
 */
export async function exportTensors(
  graph: FloatGraph,
): Promise<{ bytes: Uint8Array; tensors: ReadonlyMap<string, string> }> {
  const writer = new OnnxWriter();
  const tensors = emitAll(writer, graph);
  const logits = logitsOf(writer, lookUpIn(tensors, graph.output), graph.outputOrder);
  const names = new Map(Array.from(tensors, ([name, placed]) => [name, placed.name]));
  const made = [...new Set(names.values())].filter((name) => name !== writer.image && name !== logits);
  const bytes = await writer.encode(graph.inputShape, logits, graph.outputOrder.length, made);
  const renamed = (name: string) => (name === logits ? writer.logits : name);
  return { bytes, tensors: new Map(Array.from(names, ([name, tensor]) => [name, renamed(tensor)])) };
}

function emitAll(writer: OnnxWriter, graph: FloatGraph): Map<string, Placed> {
  const tensors = new Map<string, Placed>();
  tensors.set(INPUT_NAME, { name: writer.image, shape: graph.inputShape, form: 'map' });
  const lookUp = (name: string) => lookUpIn(tensors, name);
  for (const node of graph.nodes) tensors.set(node.name, emit(writer, node, graph, lookUp));
  return tensors;
}

function lookUpIn(tensors: ReadonlyMap<string, Placed>, name: string): Placed {
  const found = tensors.get(name);
  if (found === undefined) throw new RangeError(`No tensor is named ${name}`);
  return found;
}

type LookUp = (name: string) => Placed;

function emit(writer: OnnxWriter, node: FloatNode, graph: FloatGraph, lookUp: LookUp): Placed {
  const { name, shape } = node;
  const map = (tensor: string) => asMap(writer, lookUp(tensor));
  const placed = (tensor: string): Placed => ({ name: tensor, shape, form: 'map' });
  switch (node.op) {
    case 'convolution': {
      const input = map(node.input);
      const groupInputs = input.shape[2] / node.groups;
      const weights = rowsChannelsFirst(node.weights, [...node.kernel, groupInputs]);
      const operands = {
        weights: writer.floats(`${name}/weights`, [shape[2], groupInputs, ...node.kernel], weights),
        bias: writer.floats(`${name}/bias`, [shape[2]], node.bias),
        groups: node.groups,
        outside: node.paddingValues,
      };
      return placed(bounded(writer, node, (inner) => convolution(writer, inner, input, node, operands)));
    }
    case 'dense':
      return {
        ...placed(bounded(writer, node, (inner) => dense(writer, inner, node, lookUp(node.input)))),
        form: 'vector',
      };
    case 'affine': {
      const dims = [1, shape[2], 1, 1];
      const scale = writer.floats(`${name}/scale`, dims, node.scale);
      const offset = writer.floats(`${name}/offset`, dims, node.offset);
      const scaled = writer.node('Mul', `${name}/scaled`, [map(node.input).name, scale]);
      return placed(writer.node('Add', name, [scaled, offset]));
    }
    case 'clamp':
      return placed(clamped(writer, name, map(node.input).name, node.clamp));
    case 'sigmoid':
      return placed(writer.node('Sigmoid', name, [map(node.input).name]));
    case 'function':
      return placed(emitFormula(writer, name, map(node.input).name, node.formula));
    case 'add': {
      const inputs = node.inputs.map((input) => map(input).name);
      return placed(bounded(writer, node, (inner) => sum(writer, inner, inputs)));
    }
    case 'concat': {
      const inputs = node.inputs.map((input) => map(input).name);
      return placed(writer.node('Concat', name, inputs, { axis: 1 }));
    }
    case 'multiply': {
      const factors = [map(node.input).name, map(node.gate).name];
      return placed(bounded(writer, node, (inner) => writer.node('Mul', inner, factors)));
    }
    case 'averagePool': {
      const attributes = { ...windowAttributes(node), count_include_pad: node.countPadding ? 1 : 0 };
      const input = map(node.input).name;
      return placed(bounded(writer, node, (inner) => writer.node('AveragePool', inner, [input], attributes)));
    }
    case 'maxPool':
      return placed(writer.node('MaxPool', name, [map(node.input).name], windowAttributes(node)));
    case 'flatten':
      return flatten(writer, name, lookUp(node.input), onlyDenseRead(graph, name));
    case 'pad':
      return placed(pad(writer, name, map(node.input).name, node.padding));
    case 'select':
      return placed(choice(writer, name, map(node.input), node));
    case 'extremum': {
      const inputs = node.inputs.map((input) => map(input).name);
      return placed(writer.node(node.kind === 'maximum' ? 'Max' : 'Min', name, inputs));
    }
    case 'channelMaximum':
      return placed(writer.node('ReduceMax', name, [map(node.input).name], { axes: [1], keepdims: 1 }));
  }
}

/** The operator's own tensor keeps the node's name where nothing bounds it. */
function bounded(
  writer: OnnxWriter,
  { name, clamp }: { readonly name: string; readonly clamp: FloatClamp | null },
  operator: (name: string) => string,
): string {
  return clamped(writer, name, operator(clamp === null ? name : `${name}/linear`), clamp);
}

function dense(
  writer: OnnxWriter,
  name: string,
  { weights: rows, bias: values }: Extract<FloatNode, { op: 'dense' }>,
  input: Placed,
): string {
  const vector = asVector(writer, input);
  const weights = rowsChannelsFirst(rows, input.shape);
  const operands = [
    vector.name,
    writer.floats(`${name}/weights`, [values.length, vector.shape[2]], weights),
    writer.floats(`${name}/bias`, [values.length], values),
  ];
  return writer.node('Gemm', name, operands, { transB: 1 });
}

function onlyDenseRead({ nodes, output }: FloatGraph, tensor: string): boolean {
  const readers = nodes.filter((node) => floatInputsOf(node).includes(tensor));
  return output !== tensor && readers.every(({ op }) => op === 'dense');
}
