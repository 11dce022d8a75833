/**
 * Integer graph → QDQ ONNX, opset 17: every tensor uint8 and every weight int8 with the graph's own scales and zero
 * points, each operator between DequantizeLinear and QuantizeLinear. A runtime may fuse them into integer kernels.
 *
 * It is no copy of the integer engine bit for bit: a runtime rescales by a float32 factor and rounds ties to even, the
 * engine by a 15-bit factor in two steps with ties upwards. Each operator alone agrees within one step.
 */
import {
  type GraphNode,
  INPUT_NAME,
  type IntegerGraph,
  inputsOf,
  type TableNode,
  tensorsOf,
} from '../../model/graph.ts';
import { sigmoidTable } from '../lower/table.ts';
import { poolGains, realFactors, scaledBy } from './gains.ts';
import { asMap, choice, flatten, pad, sum, windowAttributes } from './operators.ts';
import { emitConvolution, emitDense, emitHead } from './quantised-layers.ts';
import { QuantisedTensors } from './quantised-tensors.ts';
import { DATA_TYPES, OnnxWriter } from './writer.ts';

/**
 * Input `image`: float32 [n, C, H, W], the real values of the graph's input (RGB in 0…1 of everything that `convert`
 * makes), whose bytes are restored exactly; output `logits`: float32
 * [n, classes], potentials × the head's scale. Same graph, same bytes.
 */
export async function exportQdq(graph: IntegerGraph): Promise<Uint8Array> {
  const writer = new OnnxWriter();
  const tensors = new QuantisedTensors(writer, tensorsOf(graph));
  tensors.quantise(INPUT_NAME, writer.image, null);
  for (const node of graph.nodes) emit(writer, node, graph, tensors);
  return writer.encode(graph.input.shape, emitHead(writer, graph, tensors), graph.classes.length);
}

function emit(writer: OnnxWriter, node: GraphNode, graph: IntegerGraph, tensors: QuantisedTensors): void {
  const { name, output } = node;
  const specification = tensors.specification(inputsOf(node)[0]);
  const { scale } = output.quantisation;
  switch (node.op) {
    case 'convolution':
      tensors.quantise(name, emitConvolution(writer, node, tensors), node.clamp);
      break;
    case 'dense':
      tensors.quantise(name, emitDense(writer, node, tensors), node.clamp, 'vector');
      break;
    case 'add': {
      const inputs = node.inputs.map((input, i) => {
        const factor = node.multipliers[i] * 2 ** -node.shift;
        const gain = (factor * scale) / tensors.specification(input).quantisation.scale;
        return scaledBy(writer, `${name}/scaled${i}`, tensors.real(input), [gain]);
      });
      tensors.quantise(name, sum(writer, name, inputs), node.clamp);
      break;
    }
    case 'concat': {
      const inputs = node.inputs.map((input) => tensors.real(input));
      tensors.quantise(name, writer.node('Concat', name, inputs, { axis: 1 }), null);
      break;
    }
    case 'multiply': {
      const gate = tensors.specification(node.gate).quantisation;
      const product = writer.node('Mul', name, [tensors.real(node.input), tensors.real(node.gate)]);
      const [factor] = realFactors(node.requantisation);
      const gain = (factor * scale) / (specification.quantisation.scale * gate.scale);
      tensors.quantise(name, scaledBy(writer, `${name}/scaled`, product, [gain]), node.clamp);
      break;
    }
    case 'table':
      emitTable(writer, node, tensors);
      break;
    case 'averagePool': {
      const counted = node.requantisation.multiplier.length === 1 ? 1 : 0;
      const attributes = { ...windowAttributes(node), count_include_pad: counted };
      const pooled = writer.node('AveragePool', name, [tensors.real(node.input)], attributes);
      const gains = poolGains(node, specification.shape, specification.quantisation);
      const dims = [1, 1, output.shape[0], output.shape[1]];
      tensors.quantise(name, scaledBy(writer, `${name}/scaled`, pooled, gains, dims), node.clamp);
      break;
    }
    case 'maxPool': {
      const pooled = writer.node('MaxPool', name, [tensors.real(node.input)], windowAttributes(node));
      tensors.quantise(name, pooled, null);
      break;
    }
    case 'flatten':
      tensors.store(name, flatten(writer, name, tensors.stored(node.input), onlyDenseRead(graph, name)));
      break;
    case 'select': {
      const { shape } = specification;
      const stored = asMap(writer, tensors.stored(node.input));
      const chosen = choice(writer, `${name}/uint8`, { ...stored, shape }, node);
      tensors.store(name, { name: chosen, shape: output.shape, form: 'map' });
      break;
    }
    case 'extremum': {
      const inputs = node.inputs.map((input) => tensors.real(input));
      const operator = node.kind === 'maximum' ? 'Max' : 'Min';
      tensors.quantise(name, writer.node(operator, name, inputs), null);
      break;
    }
    case 'channelMaximum': {
      const attributes = { axes: [1], keepdims: 1 };
      tensors.quantise(name, writer.node('ReduceMax', name, [tensors.real(node.input)], attributes), null);
      break;
    }
    case 'pad':
      tensors.quantise(name, pad(writer, name, tensors.real(node.input), node.padding), null);
      break;
  }
}

function onlyDenseRead({ nodes }: IntegerGraph, tensor: string): boolean {
  return nodes.every((node) => node.op === 'dense' || !inputsOf(node).includes(tensor));
}

/** A sigmoid as such; any other table as a look-up among the bytes, which is exact. */
function emitTable(
  writer: OnnxWriter,
  { name, input, table, output }: TableNode,
  tensors: QuantisedTensors,
): void {
  const { quantisation } = tensors.specification(input);
  const isSigmoid = sigmoidTable(quantisation, output.quantisation).every((value, q) => value === table[q]);
  if (isSigmoid) {
    tensors.quantise(name, writer.node('Sigmoid', name, [tensors.real(input)]), null);
    return;
  }
  const stored = tensors.stored(input);
  const indices = writer.node('Cast', `${name}/indices`, [stored.name], { to: DATA_TYPES.int32 });
  const entries = writer.constant(`${name}/table`, [table.length], table);
  tensors.store(name, { ...stored, name: writer.node('Gather', `${name}/uint8`, [entries, indices]) });
}
