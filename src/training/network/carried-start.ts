/** A trained network of ours as the beginning of another training, at its own image size or at a multiple of it. */
import { UsageError } from '../../errors.ts';
import type { Architecture } from '../../model/architecture/architecture.ts';
import { parametersOf, statisticsOf } from '../../model/architecture/parameters.ts';
import { shapesOf } from '../../model/architecture/shapes.ts';
import {
  type Arrays,
  answeringArrays,
  type Checkpoint,
  type NamedArray,
} from '../../model/checkpoint/format.ts';
import type { Shape } from '../../model/graph.ts';

/**
 * Every array of an architecture, from a checkpoint of the same network. Where the architecture's images are larger, the
 * weights of each place of the last map are spread over the places that it becomes: what is seen there is averaged.
 * @throws UsageError `INITIAL` unless every array is there in its shape, or can be spread to it
 */
export function carriedStart(
  initial: Checkpoint,
  architecture: Architecture,
): { readonly parameters: Arrays; readonly statistics: Arrays } {
  const arrays = answeringArrays(initial);
  const [before, after] = [initial.architecture, architecture].map(headMapOf);
  const carried = (name: string, shape: readonly number[]): NamedArray => {
    const array = arrays.get(name);
    if (array !== undefined && String(array.shape) === String(shape)) return array;
    const isHead = name === after?.weights && name === before?.weights;
    const spread = array && isHead ? spreadOver(array, before.map, after.map) : null;
    if (spread !== null && String(spread.shape) === String(shape)) return spread;
    throw new UsageError('INITIAL', 'The network to start from is another one than the recipe’s', {
      field: name,
      expected: shape.join('×'),
      received: array?.shape.join('×') ?? 'nothing',
      remedy: 'give a float checkpoint of the same architecture, widths and switches',
    });
  };
  const all = (specifications: readonly { readonly name: string; readonly shape: readonly number[] }[]) =>
    new Map(specifications.map(({ name, shape }) => [name, carried(name, shape)]));
  return { parameters: all(parametersOf(architecture)), statistics: all(statisticsOf(architecture)) };
}

/** The map that the dense layer at the end of a network reads flattened, and the name of its weights; null without one. */
function headMapOf(architecture: Architecture): { weights: string; map: Shape } | null {
  const head = architecture.layers.at(-1);
  const flatten = architecture.layers.find(({ name }) => head?.op === 'dense' && name === head.input);
  if (head === undefined || flatten?.op !== 'flatten') return null;
  const map = shapesOf(architecture).get(flatten.input);
  return map === undefined ? null : { weights: `${head.name}/weights`, map };
}

/** Dense weights [height·width·channels, units] over a map that is the same whole number of times higher and wider. */
function spreadOver(
  { shape: [, units], values }: NamedArray,
  [height, width, channels]: Shape,
  [toHeight, toWidth, toChannels]: Shape,
): NamedArray | null {
  const times = toHeight / height;
  if (!Number.isInteger(times) || toWidth !== width * times || toChannels !== channels) return null;
  const row = channels * units;
  const spread = new Float32Array(toHeight * toWidth * row);
  for (let y = 0; y < toHeight; y++) {
    for (let x = 0; x < toWidth; x++) {
      const place = Math.floor(y / times) * width + Math.floor(x / times);
      const share = values.subarray(place * row, (place + 1) * row).map((weight) => weight / times ** 2);
      spread.set(share, (y * toWidth + x) * row);
    }
  }
  return { shape: [toHeight * toWidth * channels, units], values: spread };
}
