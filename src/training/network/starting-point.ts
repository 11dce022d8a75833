/** A float network from elsewhere, as one that goes on learning. */

import type { FloatGraph } from '../../conversion/float/graph.ts';
import { fold } from '../../conversion/fold/fold.ts';
import type { Normalisation } from '../../conversion/fold/input.ts';
import { UsageError } from '../../errors.ts';
import type { Architecture, DenseLayer, Layer } from '../../model/architecture/architecture.ts';
import { type Parameter, parametersOf, statisticsOf } from '../../model/architecture/parameters.ts';
import { shapesOf } from '../../model/architecture/shapes.ts';
import type { Arrays, NamedArray } from '../../model/checkpoint/format.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { architectureOf } from './folded.ts';
import { initialArrays } from './initialise.ts';
import { withBatchNorms } from './insert-batch-norms.ts';

/** A float network as it was read. */
export interface ForeignNetwork {
  readonly graph: FloatGraph;
  /** What it was trained on; without it, the image in 0…1. */
  readonly normalisation?: Normalisation;
}

export interface StartingPoint {
  readonly architecture: Architecture;
  readonly parameters: Arrays;
  readonly statistics: Arrays;
}

export interface StartingPointOptions {
  readonly name: string;
  /** Side of the square images that it goes on with, pixels. */
  readonly inputSize: number;
  readonly classes: number;
  /** Rate of the dropout before the head. */
  readonly headDropout: number;
  /** What the network was trained on; without it, the image in 0…1. */
  readonly normalisation?: Normalisation;
  /** Training images at the input size, raw bytes, by which batch norms are put in. */
  readonly images: readonly Uint8Array[];
  /** Unsigned 32-bit integer, for the weights of a new head. */
  readonly seed: number;
}

/**
 * The network with a batch norm behind every convolution, put in so that it answers as before (its own, which most exports
 * fold away, are gone), for images of another size, and with a head of its own for these classes.
 * @throws SpikescopeError `FOLDED_FORM` for what training has no layer for, `ARCHITECTURE` for an image size that does not
 *   fit
 * @throws UsageError `INITIAL` where no dense layer makes the logits
 */
export function startingPoint(graph: FloatGraph, options: StartingPointOptions): StartingPoint {
  const { inputSize, classes, normalisation, images, seed, name, headDropout } = options;
  const folded = architectureOf(fold(graph), name);
  const backbone = {
    architecture: { ...folded.architecture, inputShape: [inputSize, inputSize, 3] as const },
    parameters: folded.parameters,
  };
  const normalised = normalisation === undefined ? backbone : normalisedFirst(backbone, normalisation);
  const network = withBatchNorms(normalised, images);
  return withHead(network, { classes, headDropout, seed });
}

/**
 * The arrays of a network under the names of an architecture of ours that is the same but for names.
 * @throws UsageError `INITIAL` where it is another one
 */
export function adopted(
  { architecture, parameters, statistics }: StartingPoint,
  own: Architecture,
): Pick<StartingPoint, 'parameters' | 'statistics'> {
  const renamed = (
    theirs: readonly Specification[],
    ours: readonly Specification[],
    arrays: Arrays,
  ): Map<string, NamedArray> =>
    new Map(
      ours.map(({ name, shape }, index): [string, NamedArray] => {
        const array = arrays.get(theirs[index]?.name ?? '');
        if (theirs.length === ours.length && String(array?.shape) === String(shape) && array !== undefined) {
          return [name, array];
        }
        throw new UsageError('INITIAL', 'The network to start from is another one than the recipe’s', {
          field: name,
          expected: `${ours.length} arrays, here ${shape.join('×')}`,
          received: `${theirs.length} arrays, here ${array?.shape.join('×') ?? 'none'}`,
          remedy: 'train it with --recipe fine-tune, which takes its own architecture',
        });
      }),
    );
  return {
    parameters: renamed(parametersOf(architecture), parametersOf(own), parameters),
    statistics: renamed(statisticsOf(architecture), statisticsOf(own), statistics),
  };
}

type Specification = Pick<Parameter, 'name' | 'shape'>;

interface Network {
  readonly architecture: Architecture;
  readonly parameters: Arrays;
}

const NORMALISATION = 'normalisation';

/** (image − mean) / std as a layer, because zeros around a normalised image are not black. */
function normalisedFirst({ architecture, parameters }: Network, { mean, std }: Normalisation): Network {
  const reading = (tensor: string) => (tensor === INPUT_NAME ? NORMALISATION : tensor);
  const layers = architecture.layers.map((layer): Layer => {
    if ('inputs' in layer) return { ...layer, inputs: layer.inputs.map(reading) };
    if (layer.op === 'multiply') {
      return { ...layer, input: reading(layer.input), gate: reading(layer.gate) };
    }
    return { ...layer, input: reading(layer.input) };
  });
  const first: Layer = {
    ...{ op: 'depthwise', name: NORMALISATION, input: INPUT_NAME },
    ...{ kernel: 1, stride: 1, bias: true },
  };
  return {
    architecture: { ...architecture, layers: [first, ...layers] },
    parameters: new Map([
      [`${NORMALISATION}/weights`, { shape: [1, 1, 3, 1], values: Float32Array.from(std, (s) => 1 / s) }],
      [`${NORMALISATION}/bias`, { shape: [3], values: Float32Array.from(mean, (m, c) => -m / std[c]) }],
      ...parameters,
    ]),
  };
}

/** The last dense layer made anew for other classes, with a dropout before it; kept where their number is the same. */
function withHead(
  { architecture, parameters, statistics }: StartingPoint,
  { classes, headDropout, seed }: Pick<StartingPointOptions, 'classes' | 'headDropout' | 'seed'>,
): StartingPoint {
  const head = architecture.layers.at(-1);
  if (head?.op !== 'dense' || head.name !== architecture.output) {
    throw new UsageError('INITIAL', 'The network to start from has no dense layer at its end', {
      expected: 'logits that a dense layer makes',
      received: head?.op ?? 'no layer',
      remedy: 'export a classifier whose last layer is fully connected',
    });
  }
  const layers = [...architecture.layers.slice(0, -1), ...headLayers(head, classes, headDropout)];
  const whole = { ...architecture, layers };
  shapesOf(whole);
  const fresh = initialArrays(whole, seed).parameters;
  const isNew = head.units !== classes;
  const arrays = parametersOf(whole).map(({ name, layer }): [string, NamedArray] => {
    const array = (isNew && layer === head.name ? fresh : parameters).get(name);
    if (array === undefined) throw new RangeError(`No array is named ${name}`);
    return [name, array];
  });
  return { architecture: whole, parameters: new Map(arrays), statistics };
}

function headLayers(head: DenseLayer, units: number, rate: number): Layer[] {
  if (rate === 0) return [{ ...head, units }];
  const dropout = `${head.name}.dropout`;
  return [
    { op: 'dropout', name: dropout, input: head.input, rate },
    { ...head, units, input: dropout },
  ];
}
