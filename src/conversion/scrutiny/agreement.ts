/** How well the integer graph tells the float graph's classes, and where between it loses them. */
import { RefusedError } from '../../errors.ts';
import { type IntegerGraph, tensorsOf } from '../../model/graph.ts';
import { type Interpretation, interpret } from '../../model/interpreter/interpreter.ts';
import { ownActivations } from '../calibration/activations.ts';
import type { Activations } from '../calibration/contract.ts';
import { pixelByPixel } from '../calibration/order.ts';
import type { FloatGraph } from '../float/graph.ts';
import { Noise } from './noise.ts';

/** Share of images on which both name the same class, below which nobody should use the bundle unasked. */
export const LEAST_AGREEMENT = 0.9;

export interface TensorNoise {
  /** Name of the layer; `logits` for the head. */
  readonly layer: string;
  /** Signal to noise, decibels: mean square of the float values over that of the integer's error. */
  readonly decibels: number;
}

export interface Agreement {
  readonly images: number;
  /** Whether the calibration saw none of them. */
  readonly isHeldOut: boolean;
  /** Images on which both graphs name the same class. */
  readonly same: number;
  /** Classes that the float graph names on them: agreement on a single one says little. */
  readonly named: number;
  /** Of the logits. */
  readonly decibels: number;
  /** The three layers with the least signal to noise, the worst first. */
  readonly worst: readonly TensorNoise[];
}

export interface JudgedImages {
  readonly images: readonly Uint8Array[];
  readonly isHeldOut: boolean;
}

/** Who computes both networks. */
export interface Computers {
  /** Of the float graph. Default: the own evaluator. */
  readonly activations?: Activations;
  /** The integer graph on one image. Default: the interpreter. */
  readonly integers?: (image: Uint8Array) => Pick<Interpretation, 'tensors' | 'potentials'>;
}

/**
 * `folded`: the float graph that was lowered to `graph`, whose tensors have the same names.
 * @param advance called once per image
 */
export async function measureAgreement(
  folded: FloatGraph,
  graph: IntegerGraph,
  { images, isHeldOut }: JudgedImages,
  {
    activations = ownActivations(folded),
    integers = (image: Uint8Array) => interpret(graph, image),
  }: Computers = {},
  advance: () => void = () => {},
): Promise<Agreement> {
  const specifications = tensorsOf(graph);
  const noises = new Map(graph.nodes.map(({ name }) => [name, new Noise()]));
  const logitNoise = new Noise();
  const named = new Set<number>();
  let same = 0;
  for (const image of images) {
    const { tensors, potentials } = integers(image);
    const logits = await activations.observe(image, (name, values, order) => {
      const integer = tensors.get(name);
      const specification = specifications.get(name);
      if (integer === undefined || specification === undefined) return;
      const { shape, quantisation } = specification;
      noises.get(name)?.add(pixelByPixel(values, order, shape), integer, quantisation);
    });
    logitNoise.add(logits, potentials, { scale: graph.head.scale, zeroPoint: 0 });
    named.add(largest(logits));
    if (largest(logits) === largest(potentials)) same++;
    advance();
  }
  const layers = Array.from(noises, ([layer, noise]): TensorNoise => ({ layer, decibels: noise.decibels() }));
  const decibels = logitNoise.decibels();
  const worst = [...layers, { layer: 'logits', decibels }]
    .filter((layer) => Number.isFinite(layer.decibels))
    .sort((a, b) => a.decibels - b.decibels)
    .slice(0, 3);
  return { images: images.length, isHeldOut, same, named: named.size, decibels, worst };
}

function largest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** @throws RefusedError `AGREEMENT` where fewer than `least` of the images keep their class */
export function requireAgreement({ images, same, decibels, worst }: Agreement, least: number): void {
  if (same >= least * images) return;
  throw new RefusedError('AGREEMENT', 'The integer network does not answer as the float network does', {
    expected: `the same class on ${(100 * least).toFixed(0)} % of the images`,
    received: `${same} of ${images}, logits at ${decibels.toFixed(1)} dB; worst: ${worst
      .map(({ layer, decibels: own }) => `${layer} ${own.toFixed(1)} dB`)
      .join(', ')}`,
    remedy: `calibrate on more images or on those of the device, use eight bits, or accept it: --accept-agreement ${(
      Math.floor((100 * same) / images) / 100
    ).toFixed(2)}`,
  });
}
