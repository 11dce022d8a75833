/** Frames as other cameras would have taken them: nearer, turned, softer or sharper, in other light, noisier. */
import type { Frame, Square } from '../../frame.ts';
import { areaResample } from '../../preprocess/resample.ts';
import { centredSquare } from '../../preprocess/square.ts';

/** Smallest share of the centred square that is looked at from nearer. */
const NEAREST = 0.65;
const BRIGHTNESS = 0.2;
/** Of each channel for itself. */
const CAST = 0.1;
/** Standard deviation of the strongest noise, in grey levels of the resampled square. */
const NOISE = 6;

/** Uniform in [0, 1). */
type Random = () => number;

const between = (random: Random, low: number, high: number) => low + (high - low) * random();

/** The network's input as another camera would have made it: uint8 RGB, side × side. */
export function asAnotherCamera(frame: Frame, side: number, random: Random): Uint8Array {
  const near = random() < 0.5 ? squareWithin(frame, random) : centredSquare(frame.width, frame.height);
  const input = turned(areaResample(frame, near, side), side, Math.floor(4 * random()));
  const softened = smoothed(smoothed(input, side), side);
  /** 1 softens, −1 sharpens as much. */
  const softness = between(random, -1, 1);
  const brightness = between(random, 1 - BRIGHTNESS, 1 + BRIGHTNESS);
  const gains = [0, 1, 2].map(() => brightness * between(random, 1 - CAST, 1 + CAST));
  const noise = random() < 0.5 ? 0 : NOISE * random();
  const seen = new Uint8ClampedArray(input.length);
  for (let i = 0; i < input.length; i++) {
    const grain = noise * 2 * (random() + random() + random() - 1.5);
    seen[i] = (input[i] + softness * (softened[i] - input[i])) * gains[i % 3] + grain;
  }
  return new Uint8Array(seen.buffer);
}

function squareWithin({ width, height }: Frame, random: Random): Square {
  const whole = centredSquare(width, height);
  const side = Math.max(1, Math.round(whole.side * between(random, NEAREST, 1)));
  const place = (start: number) => start + Math.floor(random() * (whole.side - side + 1));
  return { x: place(whole.x), y: place(whole.y), side };
}

/** Turned by quarters. */
function turned(input: Uint8Array, side: number, quarters: number): Uint8Array {
  let from = input;
  for (let quarter = 0; quarter < quarters; quarter++) {
    const to = new Uint8Array(from.length);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const source = 3 * (row * side + column);
        to.set(from.subarray(source, source + 3), 3 * (column * side + side - 1 - row));
      }
    }
    from = to;
  }
  return from;
}

/** Convolved with 1 2 1 across and down, borders repeated. */
function smoothed(input: ArrayLike<number>, side: number): Float32Array {
  const across = weighted(input, side, 3, (_, column) => column);
  return weighted(across, side, 3 * side, (row) => row);
}

function weighted(
  values: ArrayLike<number>,
  side: number,
  step: number,
  placeOf: (row: number, column: number) => number,
): Float32Array {
  const result = new Float32Array(values.length);
  for (let at = 0; at < result.length; at++) {
    const pixel = Math.floor(at / 3);
    const place = placeOf(Math.floor(pixel / side), pixel % side);
    const before = values[place > 0 ? at - step : at];
    const after = values[place < side - 1 ? at + step : at];
    result[at] = (before + 2 * values[at] + after) / 4;
  }
  return result;
}
