/** What the chip is given for an integer graph: thresholds and steps of every layer, shifts of the head; proven. */
import { RefusedError } from '../../errors.ts';
import type { Akida1Section } from '../../model/bundle/akida1-section.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import { activationOf, type Channel, type ChipActivation, firstDifference, levelsFor } from './activation.ts';
import { type ChipLayer, channelOf, chipLayersOf } from './layers.ts';

/** Signed bits of thresholds and potentials: in the layer that reads the image, and in the others. */
const POTENTIAL_BITS = { first: 24, inner: 20 } as const;

/**
 * Every channel is compared with `requantise` on each potential that it can reach.
 * @throws RefusedError `AKIDA_REQUANTISATION` naming the first channel that no threshold and step compute
 */
export function programOf(graph: IntegerGraph): Akida1Section {
  const layers = chipLayersOf(graph).map((layer) => {
    const activations = Array.from(layer.node.bias, (_, channel) => provenActivation(layer, channel));
    return {
      name: layer.node.name,
      thresholds: Int32Array.from(activations, ({ threshold }) => threshold),
      steps: Int32Array.from(activations, ({ step }) => step),
    };
  });
  return { layers, shifts: shiftsOf(graph) };
}

function provenActivation(layer: ChipLayer, index: number): ChipActivation {
  const channel = channelOf(layer, index);
  const activation = fittingActivation(layer, channel);
  if (activation !== null && firstDifference(channel, activation) === null) return activation;
  throw inexactChannel(layer, index, 'convert with --target akd1000 or akd1500, which tunes the factor');
}

/** Null where none crosses every level with the channel, or where a number leaves what the chip holds. */
export function fittingActivation({ isFirst }: ChipLayer, channel: Channel): ChipActivation | null {
  const activation = activationOf(channel);
  if (activation === null) return null;
  const limit = 2 ** ((isFirst ? POTENTIAL_BITS.first : POTENTIAL_BITS.inner) - 1);
  const { least, most } = channel.reach;
  const fits = [least, most, activation.threshold].every((value) => value >= -limit && value < limit);
  return fits ? activation : null;
}

export function inexactChannel({ node }: ChipLayer, index: number, remedy: string): RefusedError {
  const { maximum } = node.clamp;
  return new RefusedError('AKIDA_REQUANTISATION', 'The chip cannot compute a channel exactly', {
    node: `${node.name}, channel ${index}`,
    expected: 'a threshold and a step that give the same integer for every reachable potential',
    received:
      levelsFor(maximum) === maximum
        ? 'none'
        : `none; the activation ends at ${maximum}, and the chip's at 1, 3 or 15`,
    remedy,
  });
}

/** The chip adds no bias to its last potentials, and knows no zero point. */
function shiftsOf({ head, nodes, input }: IntegerGraph): Akida1Section['shifts'] {
  const { zeroPoint } = (nodes.find(({ name }) => name === head.input)?.output ?? input).quantisation;
  const inputs = head.weights.length / head.bias.length;
  return Int32Array.from(head.bias, (bias, row) => {
    const sum = head.weights.subarray(row * inputs, (row + 1) * inputs).reduce((a, b) => a + b, 0);
    return zeroPoint * sum - bias;
  });
}
