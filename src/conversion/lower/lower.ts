/** Float graph with quantisations → integer graph. Rule based: one float node makes one integer node. */
import {
  elementCount,
  type GraphNode,
  type Head,
  INPUT_NAME,
  type IntegerGraph,
  type Quantisation,
} from '../../model/graph.ts';
import { fixedPointFor } from '../../model/requantise.ts';
import type { Quantisations } from '../calibration/quantisations.ts';
import type { Statistics } from '../calibration/statistics.ts';
import type {
  FloatAveragePool,
  FloatConvolution,
  FloatDense,
  FloatGraph,
  FloatNode,
} from '../float/graph.ts';
import { isPadded, shapeIn } from '../float/graph.ts';
import { nameOf } from '../formula/formula.ts';
import { correctedBias } from '../quantise/bias-correction.ts';
import {
  fitScales,
  quantiseBias,
  quantiseClamp,
  quantiseValue,
  quantiseWeights,
  requantisationOf,
} from '../quantise/layer.ts';
import { quantisationIn, smallestDivisor } from '../quantise/scales.ts';
import { type WeightRules, type WeightSteps, weightSteps } from '../quantise/weight-steps.ts';
import { formulaTable, sigmoidTable } from './table.ts';

export interface LoweringContext extends WeightRules {
  readonly graph: FloatGraph;
  readonly quantisations: Quantisations;
  /** Calibration means, for the correction of biases; none where training settled the biases. */
  readonly statistics: Statistics;
}

export function lower(context: LoweringContext, classes: readonly string[]): IntegerGraph {
  const { graph, quantisations } = context;
  const output = graph.nodes.find(({ name }) => name === graph.output);
  const isHead = (node: FloatNode): node is FloatDense =>
    node === output && node.op === 'dense' && node.clamp === null;
  const nodes = graph.nodes.filter((node) => !isHead(node)).map((node) => lowerNode(node, context));
  return {
    input: { shape: graph.inputShape, quantisation: stored(quantisationIn(quantisations, INPUT_NAME)) },
    classes,
    nodes,
    head: output !== undefined && isHead(output) ? denseHead(output, context) : identityHead(context),
  };
}

function lowerNode(node: FloatNode, context: LoweringContext): GraphNode {
  const { quantisations } = context;
  const quantisation = quantisationIn(quantisations, node.name);
  const { maximum } = quantisation;
  const output = { shape: node.shape, quantisation: stored(quantisation) };
  const base = { name: node.name, sources: node.sources, output };
  switch (node.op) {
    case 'convolution': {
      const { input, kernel, stride, padding, groups } = node;
      const source = quantisationIn(quantisations, input);
      const channels = shapeIn(context.graph, input)[2];
      const paddingValues = Uint8Array.from({ length: channels }, (_, c) =>
        quantiseValue(node.paddingValues?.[c] ?? 0, source, source.maximum),
      );
      return {
        ...base,
        op: 'convolution',
        input,
        kernel,
        stride,
        padding,
        groups,
        paddingValues,
        ...lowerLayer(node, context),
      };
    }
    case 'dense':
      return { ...base, op: 'dense', input: node.input, ...lowerLayer(node, context) };
    case 'add':
      return {
        ...base,
        op: 'add',
        inputs: node.inputs,
        ...alignment(node.inputs, node.name, quantisations),
        clamp: quantiseClamp(node.clamp, quantisation, maximum),
      };
    case 'concat':
      return { ...base, op: 'concat', inputs: node.inputs };
    case 'multiply': {
      const { input, gate } = node;
      const factor =
        (quantisationIn(quantisations, input).scale * quantisationIn(quantisations, gate).scale) /
        quantisation.scale;
      const requantisation = requantisationOf([fixedPointFor(factor)]);
      return {
        ...base,
        op: 'multiply',
        input,
        gate,
        requantisation,
        clamp: quantiseClamp(node.clamp, quantisation, maximum),
      };
    }
    case 'sigmoid': {
      const table = sigmoidTable(quantisationIn(quantisations, node.input), quantisation, maximum);
      return { ...base, op: 'table', input: node.input, function: 'sigmoid', table };
    }
    case 'function': {
      const { input, formula } = node;
      const table = formulaTable(formula, quantisationIn(quantisations, input), quantisation, maximum);
      return { ...base, op: 'table', input, function: nameOf(formula), table };
    }
    case 'averagePool': {
      const { input, kernel, stride, padding } = node;
      const requantisation = divisors(
        node,
        context,
        quantisationIn(quantisations, input).scale / quantisation.scale,
      );
      return {
        ...base,
        op: 'averagePool',
        input,
        kernel,
        stride,
        padding,
        requantisation,
        clamp: quantiseClamp(node.clamp, quantisation, maximum),
      };
    }
    case 'maxPool': {
      const { input, kernel, stride, padding } = node;
      return { ...base, op: 'maxPool', input, kernel, stride, padding };
    }
    case 'flatten':
      return { ...base, op: 'flatten', input: node.input };
    case 'pad':
      return { ...base, op: 'pad', input: node.input, padding: node.padding };
    case 'select': {
      const { input, rows, columns, channels } = node;
      return { ...base, op: 'select', input, rows, columns, channels };
    }
    case 'extremum':
      return { ...base, op: 'extremum', inputs: node.inputs, kind: node.kind };
    case 'channelMaximum':
      return { ...base, op: 'channelMaximum', input: node.input };
    case 'affine':
    case 'clamp':
      throw new RangeError(`Node ${node.name} was not folded`);
  }
}

function lowerLayer(node: FloatConvolution | FloatDense, context: LoweringContext) {
  const input = quantisationIn(context.quantisations, node.input);
  const output = quantisationIn(context.quantisations, node.name);
  const steps = weightSteps(node, context, input, output);
  const { scales, requantisation } = fitScales(steps.scales, input, output);
  const { weights, bias } = quantisedParameters(node, steps, scales, context);
  const clamp = quantiseClamp(node.clamp, output, output.maximum);
  return { weights, weightScales: scales, bias, requantisation, clamp };
}

/** `scales`: real values of one weight step, as the fixed-point factors have them. */
function quantisedParameters(
  node: FloatConvolution | FloatDense,
  { limit, scales: planned, isTrained }: WeightSteps,
  scales: Float64Array,
  context: LoweringContext,
): { weights: Int8Array; bias: Int32Array } {
  const weights = quantiseWeights(node.weights, isTrained ? planned : scales, limit);
  const perOutput = weights.length / scales.length;
  const realised = Float64Array.from(weights, (weight, i) => weight * scales[Math.floor(i / perOutput)]);
  const statistics = context.statistics.get(node.input);
  const bias =
    statistics === undefined
      ? node.bias
      : correctedBias(node, realised, statistics.mean, shapeIn(context.graph, node.input));
  return { weights, bias: quantiseBias(bias, scales, quantisationIn(context.quantisations, node.input)) };
}

/** What the integer graph keeps of a quantisation; the bounds lie in the nodes. */
function stored({ scale, zeroPoint }: Quantisation): Quantisation {
  return { scale, zeroPoint };
}

/** Multipliers of an add: as many bits as fit, one shift for all. */
function alignment(inputs: readonly string[], output: string, quantisations: Quantisations) {
  const { scale } = quantisationIn(quantisations, output);
  const factors = inputs.map((input) => quantisationIn(quantisations, input).scale / scale);
  const shift = Math.min(30, Math.max(0, Math.floor(Math.log2(32767 / Math.max(...factors)))));
  return {
    multipliers: Int16Array.from(factors, (factor) => Math.min(32767, Math.round(factor * 2 ** shift))),
    shift,
  };
}

/** One entry where every window divides alike, else one per number of pixels. */
function divisors(node: FloatAveragePool, { graph }: LoweringContext, ratio: number) {
  const pixels = node.kernel[0] * node.kernel[1];
  if (node.countPadding || !isPadded(node.padding)) return requantisationOf([fixedPointFor(ratio / pixels)]);
  const least = smallestDivisor(node, shapeIn(graph, node.input));
  // Windows with fewer pixels than `least` do not occur; their entries only have to be valid.
  return requantisationOf(
    Array.from({ length: pixels }, (_, i) => fixedPointFor(ratio / Math.max(i + 1, least))),
  );
}

/** The last dense layer, one weight scale for all classes so that potentials compare. */
function denseHead(node: FloatDense, context: LoweringContext): Head {
  const { graph, quantisations } = context;
  const input = quantisationIn(quantisations, node.input);
  const steps = weightSteps(node, { ...context, scheme: 'per-tensor' }, input, input);
  const { scales } = steps;
  const { weights, bias } = quantisedParameters(node, steps, scales, context);
  const inputs = node.weights.length / node.bias.length;
  return {
    input: node.input,
    sources: node.sources,
    weights: Int8Array.from(
      { length: weights.length },
      (_, i) => weights[graph.outputOrder[Math.floor(i / inputs)] * inputs + (i % inputs)],
    ),
    bias: Int32Array.from(graph.outputOrder, (index) => bias[index]),
    scale: scales[0] * input.scale,
  };
}

/** Where the last node is no dense layer its values themselves are the potentials. */
function identityHead({ graph, quantisations }: LoweringContext): Head {
  const output = graph.nodes.find(({ name }) => name === graph.output);
  const inputs = elementCount(output?.shape ?? graph.inputShape);
  const weights = new Int8Array(graph.outputOrder.length * inputs);
  graph.outputOrder.forEach((index, row) => {
    weights[row * inputs + index] = 1;
  });
  return {
    input: graph.output,
    sources: [],
    weights,
    bias: new Int32Array(graph.outputOrder.length),
    scale: quantisationIn(quantisations, graph.output).scale,
  };
}
