/**
 * A frame as a baseline JPEG gives it back, without the coding, which loses nothing: YCbCr, chroma at half the resolution
 * (4:2:0), 8×8 cosine transforms, quantisation by the tables of ITU-T T.81 annex K scaled to a quality as libjpeg does,
 * and all of it back. The integers are libjpeg's (jccolor, jcsample, jfdctint, jidctint, jdsample with its triangle
 * filter), so that a decoded file of libjpeg has the same bytes.
 */
import type { RgbFrame } from '../../../frame.ts';
import { throughQuantisation } from './jpeg-block.ts';
import { CHROMINANCE, LUMINANCE, stepsAt } from './jpeg-tables.ts';

/** One channel. */
interface Channel {
  readonly values: Int32Array;
  readonly width: number;
  readonly height: number;
}

/** @param quality 1…100 */
export function throughJpeg(frame: RgbFrame, quality: number): RgbFrame {
  const [y, cb, cr] = toYcc(frame);
  const luma = quantised(y, stepsAt(LUMINANCE, quality), frame.width);
  const [blue, red] = [cb, cr].map((channel) =>
    enlarged(quantised(halved(channel), stepsAt(CHROMINANCE, quality), Math.ceil(frame.width / 2)), frame),
  );
  return fromYcc(luma, blue, red, frame);
}

const ROUND = 1 << 15;
const byte = (value: number) => Math.min(255, Math.max(0, value));

function toYcc({ rgb, width, height }: RgbFrame): [Channel, Channel, Channel] {
  const [y, cb, cr] = [0, 1, 2].map(() => new Int32Array(width * height));
  for (let i = 0; i < y.length; i++) {
    const [r, g, b] = [rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]];
    y[i] = (19_595 * r + 38_470 * g + 7471 * b + ROUND) >> 16;
    cb[i] = (-11_059 * r - 21_709 * g + 32_768 * b + (128 << 16) + ROUND - 1) >> 16;
    cr[i] = (32_768 * r - 27_439 * g - 5329 * b + (128 << 16) + ROUND - 1) >> 16;
  }
  return [
    { values: y, width, height },
    { values: cb, width, height },
    { values: cr, width, height },
  ];
}

function fromYcc(y: Channel, cb: Channel, cr: Channel, { width, height }: RgbFrame): RgbFrame {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [light, blue, red] = [y.values[i], cb.values[i] - 128, cr.values[i] - 128];
    rgb[3 * i] = byte(light + ((91_881 * red + ROUND) >> 16));
    rgb[3 * i + 1] = byte(light + ((-22_554 * blue - 46_802 * red + ROUND) >> 16));
    rgb[3 * i + 2] = byte(light + ((116_130 * blue + ROUND) >> 16));
  }
  return { rgb, width, height };
}

/** The value at a place, or the nearest one within the channel. */
function at({ values, width, height }: Channel, x: number, y: number): number {
  return values[Math.min(height - 1, Math.max(0, y)) * width + Math.min(width - 1, Math.max(0, x))];
}

/** Means of four, rounded down and up in turn; as wide as whole blocks, beyond the frame those of its last column. */
function halved(channel: Channel): Channel {
  const [width, height] = [8 * Math.ceil(channel.width / 16), Math.ceil(channel.height / 2)];
  const values = Int32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [2 * (i % width), 2 * Math.floor(i / width)];
    const upper = at(channel, x, y) + at(channel, x + 1, y);
    const lower = at(channel, x, y + 1) + at(channel, x + 1, y + 1);
    return (upper + lower + 1 + (i % 2)) >> 2;
  });
  return { values, width, height };
}

/** Each value is 9/16 of the nearest, 3/16 of each neighbour, 1/16 of the one across; rounded down and up in turn. */
function enlarged(channel: Channel, { width, height }: RgbFrame): Channel {
  const values = Int32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    const [column, row] = [x >> 1, y >> 1];
    const [besides, above] = [column + (x % 2 === 0 ? -1 : 1), row + (y % 2 === 0 ? -1 : 1)];
    const near = 3 * at(channel, column, row) + at(channel, column, above);
    const far = 3 * at(channel, besides, row) + at(channel, besides, above);
    return (3 * near + far + (x % 2 === 0 ? 8 : 7)) >> 4;
  });
  return { values, width, height };
}

/** Blocks reach beyond the channel by its own border. @param width that is kept of it */
function quantised(channel: Channel, steps: readonly number[], width: number): Channel {
  const { height } = channel;
  const values = new Int32Array(width * height);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      const block = Int32Array.from({ length: 64 }, (_, i) => at(channel, left + (i % 8), top + (i >> 3)));
      throughQuantisation(block, steps);
      block.forEach((value, i) => {
        const [x, y] = [left + (i % 8), top + (i >> 3)];
        if (x < width && y < height) values[y * width + x] = value;
      });
    }
  }
  return { values, width, height };
}
