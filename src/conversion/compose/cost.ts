/**
 * What a folded graph costs the integer engine, in nanoseconds on one core of a server processor with 8-bit dot
 * products. Only ratios matter; they were fitted to the engine's layers (docs/use/conversion.md).
 */
import { elementCount } from '../../model/graph.ts';
import { type FloatGraph, type FloatNode, floatInputsOf, multiplyAddsOf, shapeIn } from '../float/graph.ts';

const COST = {
  /** Per multiply-add of a dense or pointwise convolution, or a dense layer. */
  denseMultiplyAdd: 1 / 220,
  /** Per multiply-add of a depthwise or grouped convolution: no reuse across outputs. */
  groupedMultiplyAdd: 1 / 65,
  /** Per byte that a layer reads or writes. */
  byte: 1 / 40,
  /** Per value that is requantised. */
  requantisation: 1 / 40,
  /** Per node. */
  node: 300,
} as const;

/** Dot products run over whole groups of this many inputs. */
const INPUT_STEP = 4;
/** Outputs are computed this many at a time. */
const OUTPUT_STEP = 16;

export function costOf(graph: FloatGraph): number {
  return graph.nodes.reduce((sum, node) => sum + nodeCost(node, graph), 0);
}

function nodeCost(node: FloatNode, graph: FloatGraph): number {
  if (node.op === 'flatten') return 0;
  const outputs = elementCount(node.shape);
  const inputs = floatInputsOf(node).reduce((sum, input) => sum + elementCount(shapeIn(graph, input)), 0);
  return COST.node + COST.byte * (inputs + outputs) + COST.requantisation * outputs + arithmeticCost(node);
}

function arithmeticCost(node: FloatNode): number {
  if (node.op === 'dense') return node.weights.length * COST.denseMultiplyAdd;
  if (node.op !== 'convolution') return 0;
  if (node.groups > 1) return multiplyAddsOf(node) * COST.groupedMultiplyAdd;
  const [height, width, outputs] = node.shape;
  const perOutput = node.weights.length / outputs;
  return (
    height * width * roundUp(perOutput, INPUT_STEP) * roundUp(outputs, OUTPUT_STEP) * COST.denseMultiplyAdd
  );
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
