/**
 * Moves each channel's factor to the nearest one that the chip computes exactly. The chip steps evenly from a threshold;
 * `requantise` rounds twice, and only some factors make its levels lie as evenly.
 */
import type { IntegerGraph } from '../../model/graph.ts';
import { type FixedPoint, factorOf, MAXIMUM_MULTIPLIER, MAXIMUM_SHIFT } from '../../model/requantise.ts';
import { requantisationOf } from '../quantise/layer.ts';
import type { Channel } from './activation.ts';
import { type ChipLayer, channelOf, chipLayersOf } from './layers.ts';
import { fittingActivation, inexactChannel } from './program.ts';

/** Largest relative change of a factor. Steps of ten potentials may have to move by half a potential, wide ones hardly. */
const TOLERANCE = 1 / 16;
/** Below it, the sixteen-bit saturation of `requantise` could decide a result. */
const SMALLEST_MULTIPLIER = 512;

/**
 * The same graph with multipliers, shifts and weight scales tuned; weights and biases stay.
 * @throws RefusedError `AKIDA_REQUANTISATION` naming the first channel for which no factor within 6 % is exact
 */
export function tunedForAkida1(graph: IntegerGraph): IntegerGraph {
  const layers = new Map(chipLayersOf(graph).map((layer) => [layer.node.name, layer]));
  const nodes = graph.nodes.map((node) => {
    const layer = layers.get(node.name);
    if (layer === undefined || (node.op !== 'convolution' && node.op !== 'dense')) return node;
    const forms = Array.from(node.bias, (_, index) => exactForm(layer, index));
    const weightScales = node.weightScales.map(
      (scale, o) => scale * (factorOf(forms[o]) / factorOf(formOf(channelOf(layer, o)))),
    );
    return { ...node, requantisation: requantisationOf(forms), weightScales };
  });
  return { ...graph, nodes };
}

function exactForm(layer: ChipLayer, index: number): FixedPoint {
  const channel = channelOf(layer, index);
  const exact = candidates(formOf(channel)).find(
    (form) => fittingActivation(layer, { ...channel, ...form }) !== null,
  );
  if (exact !== undefined) return exact;
  throw inexactChannel(layer, index, 'train with smaller biases or wider activations, or use --target cpu');
}

function formOf({ multiplier, shift }: Channel): FixedPoint {
  return { multiplier, shift };
}

/** Forms of about the same factor, the nearest first; of equals the finer rounding. */
function candidates(form: FixedPoint): FixedPoint[] {
  const factor = factorOf(form);
  const least = Math.min(SMALLEST_MULTIPLIER, form.multiplier);
  const found: (FixedPoint & { readonly distance: number })[] = [];
  for (let shift = Math.max(0, form.shift - 5); shift <= Math.min(MAXIMUM_SHIFT, form.shift + 5); shift++) {
    const real = form.multiplier * 2 ** (shift - form.shift);
    const [from, to] = [Math.ceil(real * (1 - TOLERANCE)), Math.floor(real * (1 + TOLERANCE))];
    for (
      let multiplier = Math.max(least, from);
      multiplier <= Math.min(to, MAXIMUM_MULTIPLIER);
      multiplier++
    ) {
      found.push({ multiplier, shift, distance: Math.abs(factorOf({ multiplier, shift }) / factor - 1) });
    }
  }
  found.sort((a, b) => a.distance - b.distance || a.shift - b.shift);
  return found.map(({ multiplier, shift }) => ({ multiplier, shift }));
}
