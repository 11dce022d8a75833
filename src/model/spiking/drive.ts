/** The constant drive of every neuron of a node, and the threshold that its charge is measured against. */
import {
  type ActivationTensor,
  type Clamp,
  elementCount,
  type GraphNode,
  type PassingNode,
  type Requantisation,
} from '../graph.ts';
import { windowValues } from '../interpreter/pool.ts';
import { clip, MULTIPLIER_BITS, roundingShiftRight } from '../requantise.ts';
import { chargeOf, denseLayer } from './charge.ts';
import { type Drives, FULL_SCALE } from './code.ts';

/** A tensor as decoded from spikes: uint8, row, column, channel order. */
export interface Decoded extends ActivationTensor {
  readonly values: Uint8Array;
}

/** Nodes whose neurons integrate; the others only pass spikes on. */
export type NeuronNode = Exclude<GraphNode, PassingNode>;

/** Drives that stand for values as they are. */
export function drivesOfValues(values: Uint8Array): Drives {
  return { values: Float64Array.from(values), threshold: FULL_SCALE };
}

/** @param tensor the decoded tensor of this name */
export function drivesOf(node: NeuronNode, tensor: (name: string) => Decoded): Drives {
  switch (node.op) {
    case 'convolution': {
      const input = tensor(node.input);
      const { zeroPoint } = input.quantisation;
      return narrowed(node, chargeOf(node, input.values, input.shape, zeroPoint, node.output.shape));
    }
    case 'dense': {
      const { values, quantisation } = tensor(node.input);
      const layer = denseLayer(node.weights, node.bias, values.length);
      const from = [1, 1, values.length] as const;
      return narrowed(node, chargeOf(layer, values, from, quantisation.zeroPoint, node.output.shape));
    }
    case 'add':
      return summed(node, node.inputs.map(tensor));
    case 'multiply':
      return narrowed(node, gated(tensor(node.input), tensor(node.gate)));
    case 'averagePool':
      return pooled(node, tensor(node.input));
    case 'table':
      return drivesOfValues(tensor(node.input).values.map((value) => node.table[value]));
  }
}

/**
 * Charge to drive as the engine narrows it, to sixteen bits and times a 15-bit fraction, short of the last rounding:
 * that one is the neuron's.
 * @param entries of the requantisation, for each element; default: its channel, or the only one
 */
function narrowed(
  node: { readonly output: ActivationTensor; readonly requantisation: Requantisation; readonly clamp: Clamp },
  charge: Int32Array,
  entries?: Uint32Array,
): Drives {
  const { multiplier, shift } = node.requantisation;
  const unit = 2 ** MULTIPLIER_BITS;
  const rest = node.output.quantisation.zeroPoint * unit;
  const values = new Float64Array(charge.length);
  // Loops, not callbacks: two million neurons of a typical graph pass through here and `fire`.
  for (let i = 0; i < charge.length; i++) {
    const entry = entries === undefined ? i % multiplier.length : entries[i];
    const narrow = clip(roundingShiftRight(charge[i], shift[entry]), -32768, 32767);
    values[i] = bounded(narrow * multiplier[entry] + rest, node.clamp, unit);
  }
  return { values, threshold: FULL_SCALE * unit };
}

/** A fused bounded activation bounds the drive. */
function bounded(drive: number, { minimum, maximum }: Clamp, unit: number): number {
  return clip(drive, minimum * unit, maximum * unit);
}

function summed(node: Extract<GraphNode, { op: 'add' }>, inputs: readonly Decoded[]): Drives {
  const unit = 2 ** node.shift;
  const values = new Float64Array(elementCount(node.output.shape));
  values.fill(node.output.quantisation.zeroPoint * unit);
  inputs.forEach(({ values: input, quantisation }, k) => {
    for (let i = 0; i < values.length; i++) {
      values[i] += (input[i] - quantisation.zeroPoint) * node.multipliers[k];
    }
  });
  for (let i = 0; i < values.length; i++) values[i] = bounded(values[i], node.clamp, unit);
  return { values, threshold: FULL_SCALE * unit };
}

/** The gate scales what the input delivers. */
function gated(input: Decoded, gate: Decoded): Int32Array {
  const channels = input.shape[2];
  const isPerChannel = gate.values.length !== input.values.length;
  return Int32Array.from(input.values, (value, i) => {
    const opening = gate.values[isPerChannel ? i % channels : i] - gate.quantisation.zeroPoint;
    return (value - input.quantisation.zeroPoint) * opening;
  });
}

function pooled(node: Extract<GraphNode, { op: 'averagePool' }>, input: Decoded): Drives {
  const [height, width, channels] = node.output.shape;
  const charge = new Int32Array(height * width * channels);
  const isFixed = node.requantisation.multiplier.length === 1;
  const entries = new Uint32Array(charge.length);
  for (let i = 0; i < charge.length; i++) {
    const pixel = Math.floor(i / channels);
    const window = windowValues(
      node,
      input.values,
      input.shape,
      Math.floor(pixel / width),
      pixel % width,
      i % channels,
    );
    entries[i] = isFixed ? 0 : window.length - 1;
    for (const value of window) charge[i] += value - input.quantisation.zeroPoint;
  }
  return narrowed(node, charge, entries);
}
