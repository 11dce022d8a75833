/** Whether the network's answers depend on the image at all: they do not where it expects the image in another scale. */
import { RefusedError } from '../../errors.ts';
import { ownActivations } from '../calibration/activations.ts';
import type { Activations } from '../calibration/contract.ts';
import type { FloatGraph } from '../float/graph.ts';
import { type Normalisation, withNormalisation } from '../fold/input.ts';
import type { PreparedModel } from '../prepare.ts';
import { imageRange, numbers } from './image-range.ts';

/** Images that are looked at. */
const LOOKED_AT = 16;
/** Fewest from which anything is concluded. */
const FEWEST = 4;
/** Change of a probability, from image to image, below which an answer hardly depends on the image. */
const LEAST_CHANGE = 0.01;
/** The same of the logits, as a share of the distance between the classes' means. */
const LEAST_SHARE = 0.02;
/** Mean difference of bytes between two images that show different things. */
const LEAST_DISTANCE = 8;
/** Share of its largest value by which a network's own normalisation lets white differ from black at least. */
const LEAST_CONTRAST = 0.05;

/** What networks are trained on, the likeliest first: bytes, −1…1, and ImageNet's mean and deviation. */
const USUAL: readonly {
  readonly words: string;
  readonly options: string;
  readonly normalisation: Normalisation;
}[] = [
  usual('values of 0…255', '0', '0.00392157'),
  usual('values of −1…1', '0.5', '0.5'),
  usual('ImageNet’s mean and deviation', '0.485,0.456,0.406', '0.229,0.224,0.225'),
];

function usual(words: string, mean: string, std: string) {
  const three = (text: string) => {
    const values = text.split(',').map(Number);
    return values.length === 3 ? values : [values[0], values[0], values[0]];
  };
  const options = `${mean === '0' ? '' : `--mean ${mean} `}--std ${std}`;
  return { words, options, normalisation: { mean: three(mean), std: three(std) } };
}

/**
 * `images`: of the calibration, in bytes; `activations`: of the folded graph.
 * @throws RefusedError `INPUT_NORMALISATION` with the normalisation that the network seems to expect
 */
export async function requireDependence(
  prepared: PreparedModel,
  images: readonly Uint8Array[],
  activations: Activations = ownActivations(prepared.folded),
): Promise<void> {
  const sample = varied(images.filter((_, i) => i % Math.ceil(images.length / LOOKED_AT) === 0));
  const { imported } = prepared;
  const range = prepared.normalisation === undefined ? imageRange(imported.graph) : null;
  const isFlat = range !== null && contrastOf(range) < LEAST_CONTRAST;
  if (!isFlat && (sample.length < FEWEST || (await dependsOn(activations, sample)))) return;
  const likely = isFlat || imported.takesBytes ? USUAL[0] : await likelyScale(imported.graph, sample);
  throw new RefusedError('INPUT_NORMALISATION', 'The answers of the network hardly depend on the image', {
    expected: 'the scale that the network was trained with; the device gives 0…1',
    received: isFlat
      ? `a network that makes ${numbers(range?.black)} of black and ${numbers(range?.white)} of white`
      : `the same answer to all of ${sample.length} images`,
    remedy:
      likely === undefined
        ? 'say with --mean and --std what it was trained with, or calibrate on images of the kind it was trained on'
        : `the network seems to expect ${likely.words}: ${likely.options}`,
  });
}

async function likelyScale(graph: FloatGraph, images: readonly Uint8Array[]) {
  for (const usual of USUAL) {
    const scaled = ownActivations(withNormalisation(graph, usual.normalisation));
    if (await dependsOn(scaled, images)) return usual;
  }
  return undefined;
}

function contrastOf({
  black,
  white,
}: {
  readonly black: Float64Array;
  readonly white: Float64Array;
}): number {
  const contrasts = black.map(
    (value, c) => Math.abs(white[c] - value) / Math.max(Math.abs(value), Math.abs(white[c]), 1e-30),
  );
  return contrasts.reduce((most, value) => Math.max(most, value), 0);
}

async function dependsOn(activations: Activations, images: readonly Uint8Array[]): Promise<boolean> {
  const answers: Float64Array[] = [];
  for (const image of images) answers.push(await activations.observe(image));
  // Numbers that run away are calibration's to refuse: it names the node.
  if (!answers.every((answer) => answer.every(Number.isFinite))) return true;
  const logits = answers.map(centred);
  const change = largestChange(logits);
  const means = logits[0].map((_, c) => logits.reduce((sum, each) => sum + each[c], 0) / logits.length);
  const distance = Math.max(...means) - Math.min(...means);
  return change >= LEAST_SHARE * distance || largestChange(logits.map(softmax)) >= LEAST_CHANGE;
}

/** Images that hardly differ prove nothing: the negative of the first then stands beside them. */
function varied(images: readonly Uint8Array[]): readonly Uint8Array[] {
  const [first, ...others] = images;
  const distance = (image: Uint8Array) =>
    image.reduce((sum, value, i) => sum + Math.abs(value - first[i]), 0) / image.length;
  if (others.some((image) => distance(image) >= LEAST_DISTANCE)) return images;
  return [...images, first.map((value) => 255 - value)];
}

/** Largest difference between two images of any one value. */
function largestChange(rows: readonly Float64Array[]): number {
  return rows[0].reduce((most, _, c) => {
    const values = rows.map((row) => row[c]);
    return Math.max(most, Math.max(...values) - Math.min(...values));
  }, 0);
}

/** A softmax does not see what is added to all logits. */
function centred(logits: Float64Array): Float64Array {
  const mean = logits.reduce((sum, value) => sum + value, 0) / logits.length;
  return logits.map((value) => value - mean);
}

function softmax(logits: Float64Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const powers = logits.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
