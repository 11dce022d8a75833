/** What a network makes of the image before its first layer: the scale that it expects shows there. */
import { RefusedError } from '../../errors.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { type FloatGraph, floatInputsOf } from '../float/graph.ts';
import type { FloatSource } from '../float-source.ts';
import type { Normalisation } from '../fold/input.ts';

/** Per channel: what black and white become. */
export interface ImageRange {
  readonly black: Float64Array;
  readonly white: Float64Array;
}

/** Follows the affine steps on the image, of which each is read by one node only. Null where there is none. */
export function imageRange(graph: FloatGraph): ImageRange | null {
  const channels = graph.inputShape[2];
  let black = new Float64Array(channels);
  let white = new Float64Array(channels).fill(1);
  let tensor = INPUT_NAME;
  for (;;) {
    const readers = graph.nodes.filter((node) => floatInputsOf(node).includes(tensor));
    const [step] = readers;
    if (readers.length !== 1 || step.op !== 'affine') break;
    const { scale, offset } = step;
    black = black.map((value, c) => value * scale[c] + offset[c]);
    white = white.map((value, c) => value * scale[c] + offset[c]);
    tensor = step.name;
  }
  return tensor === INPUT_NAME ? null : { black, white };
}

/** Black at most and white at least, where a network centres an image in 0…1 itself. */
const CENTRED = 0.8;

/**
 * @throws RefusedError `INPUT_NORMALISATION` where the network takes bytes, or centres an image in 0…1 itself and the given
 * normalisation would centre it once more
 */
export function refuseSecondNormalisation(
  { graph, takesBytes }: FloatSource,
  { mean, std }: Normalisation,
  file: string,
): void {
  const range = imageRange(graph);
  const centres =
    range?.black.every((value) => value <= -CENTRED) === true &&
    range.white.every((value) => value >= CENTRED);
  const changes = mean.some((value) => value !== 0) || std.some((value) => value !== 1);
  if (!changes || !(centres || takesBytes)) return;
  throw new RefusedError('INPUT_NORMALISATION', 'The network normalises the image itself', {
    file,
    field: '--mean, --std',
    expected: 'no normalisation beside the network’s own',
    received: takesBytes
      ? 'a network that takes bytes, 0…255'
      : `a network that makes ${numbers(range?.black)} of black and ${numbers(range?.white)} of white`,
    remedy: 'leave --mean and --std away',
  });
}

export function numbers(values: ArrayLike<number> | undefined): string {
  const rounded = Array.from(values ?? [], (value) => value.toPrecision(3));
  return [...new Set(rounded)].join(', ');
}
