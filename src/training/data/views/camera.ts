/** Draws by lot what another camera, its light and what lies on the skin add to a view. */
import { HEIGHT, type Point as Pixel, WIDTH } from '../../../capture/phantom/plane.ts';
import { Random } from '../../../capture/phantom/random.ts';
import { drawHairs, drawRulerTicks, type Stroke } from '../../../capture/phantom/strokes.ts';
import type { Triple } from '../../../colour.ts';
import type { CameraAugmentation } from '../augmentation.ts';
import type { Drawing, Field, Point, Segment, View } from './view.ts';

type Range = readonly [number, number];

/** @param random uniform in [0, 1); as many numbers are taken whatever the lots say */
export function throughCamera(view: View, camera: CameraAugmentation, random: () => number): View {
  const between = ([low, high]: Range) => low + (high - low) * random();
  const chance = (probability: number) => random() < probability;
  const logarithmic = ([low, high]: Range) => low * (high / low) ** random();
  const seed = () => Math.floor(random() * 2 ** 32);

  const { colourCast, blur, noise, jpeg, hair, ruler, field } = camera;
  const cast = chance(colourCast.probability);
  const [red, green, blue] = [
    logarithmic(colourCast.gain),
    logarithmic(colourCast.gain),
    logarithmic(colourCast.gain),
  ];
  const blurred = chance(blur.probability);
  const blurSigma = between(blur.sigma);
  const noisy = chance(noise.probability);
  const drawnNoise = { sigma: between(noise.sigma), seed: seed() };
  const compressed = chance(jpeg.probability);
  const quality = Math.round(between(jpeg.quality));
  const hairy = chance(hair.probability);
  const hairs = { width: between(hair.width), lot: random(), seed: seed() };
  const ruled = chance(ruler.probability);
  const ticks = { inset: between(ruler.inset), angle: 2 * Math.PI * random(), seed: seed() };
  const round = chance(field.probability);
  const drawnField = drawField(field, random);
  const [ownRed, ownGreen, ownBlue] = view.gains;
  return {
    ...view,
    gains: cast ? [ownRed * red, ownGreen * green, ownBlue * blue] : view.gains,
    noise: noisy ? drawnNoise : null,
    jpeg: compressed ? quality : null,
    drawings: [...(hairy ? [hairDrawing(hairs)] : []), ...(ruled ? [rulerDrawing(ticks)] : [])],
    field: round ? drawnField : null,
    blur: blurred ? blurSigma : 0,
  };
}

const BLACK: Triple = [0.07, 0.05, 0.05];
const BROWN: Triple = [0.32, 0.2, 0.14];
const GREY: Triple = [0.86, 0.84, 0.82];
const GREY_SHARE = 0.15;
const HAIR_OPACITY = 0.9;
const RULER_OPACITY = 0.95;

/** One person's hairs have one colour: from black to brown, or grey. */
function hairDrawing({ width, lot, seed }: { width: number; lot: number; seed: number }): Drawing {
  const share = (lot - GREY_SHARE) / (1 - GREY_SHARE);
  const colour: Triple = share < 0 ? GREY : mixed(BLACK, BROWN, share);
  const segments = drawHairs(new Random(seed)).flatMap((hair) => segmentsOf(hair, unitOf, width));
  return { colour, opacity: HAIR_OPACITY, segments };
}

function mixed([r, g, b]: Triple, [toR, toG, toB]: Triple, share: number): Triple {
  return [r + (toR - r) * share, g + (toG - g) * share, b + (toB - b) * share];
}

/** Moved inwards from its edge, then turned about the centre. */
function rulerDrawing({ inset, angle, seed }: { inset: number; angle: number; seed: number }): Drawing {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const place = (pixel: Pixel): Point => {
    const { u, v } = unitOf(pixel);
    const inwards = v - Math.sign(v) * inset;
    return { u: cosine * u - sine * inwards, v: sine * u + cosine * inwards };
  };
  const segments = drawRulerTicks(new Random(seed)).flatMap((tick) => segmentsOf(tick, place, 1));
  return { colour: BLACK, opacity: RULER_OPACITY, segments };
}

/** The phantoms' frame is as high as the view. */
function unitOf({ x, y }: Pixel): Point {
  return { u: (x - WIDTH / 2) / HEIGHT, v: (y - HEIGHT / 2) / HEIGHT };
}

function segmentsOf({ points, widths }: Stroke, place: (pixel: Pixel) => Point, factor: number): Segment[] {
  const [first, last] = widths;
  return points.slice(1).map((to, i) => ({
    from: place(points[i]),
    to: place(to),
    width: (factor * (first + ((last - first) * i) / points.length)) / HEIGHT,
  }));
}

function drawField({ radius, softness, shift }: CameraAugmentation['field'], random: () => number): Field {
  const between = ([low, high]: Range) => low + (high - low) * random();
  const around = (extent: number) => extent * (2 * random() - 1);
  return {
    centre: { u: around(shift), v: around(shift) },
    radius: between(radius),
    softness: between(softness),
  };
}
