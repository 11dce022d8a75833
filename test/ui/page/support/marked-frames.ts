/** Frames of a camera of which any piece is found again, in each form that program and browser give to pixels. */
import { PhantomPainter } from '../../../../src/capture/phantom/draw.ts';
import type { RgbFrame, YuvFrame } from '../../../../src/frame.ts';
import { fieldOf, inputOf } from '../../../../src/preprocess/field.ts';
import { reduced } from '../../../../src/preprocess/reduced.ts';
import { rgbOfYuv } from '../../../../src/preprocess/yuv-reference.ts';
import { jpegOf } from '../../../../src/ui/web/server/pixels/jpeg.ts';
import { Random } from '../../../support/random.ts';
import type { Quotations } from '../../../support/write-recorder/quotations.ts';
import { yuvOf } from '../../../support/yuv.ts';

/** libcamera pads the rows of a phantom to a multiple of 64. */
export const STRIDE = 640;
/** Grey levels by which a pixel differs from its phantom at most: rows are alike nowhere, and a reading stays one. */
const MARK = 9;

/** Phantoms with a grain of their own. */
export function markedFrames(seeds: readonly number[]): YuvFrame[] {
  const painter = new PhantomPainter();
  return seeds.map((seed) => {
    const { rgb, width, height } = painter.draw(seed).frame;
    const random = new Random(seed);
    const marked = Uint8ClampedArray.from(rgb, (value) => value + random.integer(-MARK, MARK));
    return yuvOf({ rgb: new Uint8Array(marked.buffer), width, height }, STRIDE);
  });
}

/** What the screen serves of a frame. */
export function servedOf(frame: YuvFrame): Promise<Buffer> {
  return jpegOf(reduced(frame, 1));
}

/** Four bytes a pixel, as a canvas has them and, `bgr`, as its memory lies on Linux. */
export function withAlpha({ rgb }: Pick<RgbFrame, 'rgb'>, order: 'rgb' | 'bgr'): Buffer {
  const out = Buffer.alloc((rgb.length / 3) * 4, 255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    const [red, green, blue] = rgb.subarray(from, from + 3);
    out.set(order === 'rgb' ? [red, green, blue] : [blue, green, red], to);
  }
  return out;
}

/**
 * Has all forms of a frame looked for: the camera's planes, the pixels that are worked with, the picture that is served, and
 * what the network reads.
 * @param size of the network's input, pixels
 */
export async function lookFor(
  quotations: Quotations,
  name: string,
  frame: YuvFrame,
  size: number,
): Promise<void> {
  quotations.add(`${name}: planes`, Buffer.from(frame.yuv420));
  const pixels = rgbOfYuv(frame);
  quotations.add(`${name}: RGB`, Buffer.from(pixels.rgb));
  quotations.add(`${name}: RGBA`, withAlpha(pixels, 'rgb'));
  quotations.add(`${name}: BGRA`, withAlpha(pixels, 'bgr'));
  quotations.add(`${name}: as served`, await servedOf(frame));
  const field = fieldOf(frame);
  quotations.add(`${name}: input`, Buffer.from(inputOf(frame, field, field.square, size)));
}
