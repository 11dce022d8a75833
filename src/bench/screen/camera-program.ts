/**
 * The camera of the screen's bench, a process of its own: rpicam-vid's arguments, and frames of phantoms at an even pace, as
 * rpicam-vid writes them (YUV 4:2:0, full-range BT.601, rows of a multiple of 64 bytes).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { PhantomPainter } from '../../capture/phantom/draw.ts';
import type { RgbFrame } from '../../frame.ts';

/** Phantoms that are shown one after the other. */
const SEEDS = [1, 2, 3];

function argument(name: string): number {
  return Number(process.argv[process.argv.indexOf(name) + 1]);
}

const [width, height, rate] = ['--width', '--height', '--framerate'].map(argument);
const stride = Math.ceil(width / 64) * 64;

/** Each pixel that of the drawing there. */
function asCamera({ rgb, ...drawn }: RgbFrame): Buffer {
  const area = stride * height;
  const yuv420 = Buffer.alloc((area * 3) / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const row = Math.floor((y * drawn.height) / height);
      const from = 3 * (row * drawn.width + Math.floor((x * drawn.width) / width));
      const [red, green, blue] = [rgb[from], rgb[from + 1], rgb[from + 2]];
      yuv420[y * stride + x] = 0.299 * red + 0.587 * green + 0.114 * blue;
      if (x % 2 === 1 || y % 2 === 1) continue;
      const chroma = area + ((y / 2) * stride) / 2 + x / 2;
      yuv420[chroma] = 128 - 0.168736 * red - 0.331264 * green + 0.5 * blue;
      yuv420[chroma + area / 4] = 128 + 0.5 * red - 0.418688 * green - 0.081312 * blue;
    }
  }
  return yuv420;
}

const painter = new PhantomPainter();
const frames = SEEDS.map((seed) => asCamera(painter.draw(seed).frame));
process.stdout.on('error', () => process.exit(0));
const period = 1000 / rate;
const begin = performance.now();
for (let n = 0; ; n++) {
  await new Promise((resolve) => process.stdout.write(frames[n % frames.length], resolve));
  // By the clock, or what a write takes would slow the camera down. Never without a pause: that tells where a frame ends.
  const tick = Math.ceil((performance.now() - begin + period / 2) / period);
  await delay(begin + tick * period - performance.now());
}
