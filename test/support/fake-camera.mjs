#!/usr/bin/env node
/**
 * A camera program for tests: takes rpicam-vid's arguments and writes what rpicam-vid would write, with the faults that
 * FAKE_CAMERA (JSON) asks for. Frame n (from 1) is grey of level n modulo 200, so that a test can tell frames apart and
 * see a shifted one.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: Object.fromEntries(
    ['codec', 'timeout', 'output', 'width', 'height', 'framerate', 'input'].map((name) => [
      name,
      { type: 'string' },
    ]),
  ),
  strict: false,
});
const {
  stride = Math.ceil(Number(values.width) / 64) * 64,
  startAfter = 0, // ms before the first frame
  truncate = [], // frames that lose their second half
  stallAfter = Infinity, // frames before it hangs
  exitAfter = Infinity, // frames before it exits
  exitCode = 1,
  piece = Infinity, // bytes per write
  heldUp = 0, // ms that each frame waits for a processor in its middle
  sharpEvery = 0, // every how many frames one has a texture
  format = 'raw', // raw, y4m or nonsense
  frames = null, // a file of frames, as they lie in the stream, that are shown one after the other instead of grey ones
  lives = null, // a file to which each start adds a line
  stderr = '',
} = JSON.parse(process.env.FAKE_CAMERA ?? '{}');

if (lives !== null) appendFileSync(lives, `${process.argv.slice(2).join(' ')}\n`);
if (stderr) process.stderr.write(`${stderr}\n`);

const [width, height] = [Number(values.width), Number(values.height)];
const rate = Number(values.framerate);
const rowBytes = format === 'y4m' ? width : stride;

const shown = frames === null ? null : readFileSync(frames);

function frame(n) {
  if (shown !== null) {
    const size = (rowBytes * height * 3) / 2;
    const at = ((n - 1) % (shown.length / size)) * size;
    return shown.subarray(at, at + size);
  }
  const bytes = Buffer.alloc((rowBytes * height * 3) / 2, 128);
  for (let y = 0; y < height; y++) {
    const row = bytes.subarray(y * rowBytes, (y + 1) * rowBytes);
    row.fill(255); // padding that nobody may read
    row.fill(n % 200, 0, width);
    if (sharpEvery > 0 && n % sharpEvery === 0)
      for (let x = (y % 2) * 4; x < width; x += 8) row.fill(250, x, x + 4);
  }
  return bytes;
}

function write(bytes) {
  return new Promise((resolve) => process.stdout.write(bytes, resolve));
}

async function writePieces(bytes) {
  for (let at = 0; at < bytes.length; at += piece) await write(bytes.subarray(at, at + piece));
}

process.stdout.on('error', () => process.exit(0));
await delay(startAfter);
if (format === 'nonsense') await write('this is no video\n');
if (format === 'y4m')
  await write(`YUV4MPEG2 W${width} H${height} F${rate}:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n`);
for (let n = 1; ; n++) {
  if (n > exitAfter) process.exit(exitCode);
  if (n > stallAfter) await delay(1e9);
  const whole = format === 'y4m' ? Buffer.concat([Buffer.from('FRAME\n'), frame(n)]) : frame(n);
  const bytes = truncate.includes(n) ? whole.subarray(0, whole.length >> 1) : whole;
  const middle = heldUp > 0 ? bytes.length >> 1 : 0;
  await writePieces(bytes.subarray(0, middle));
  // A thread that gets no processor is runnable all the time, as this one is.
  for (const until = performance.now() + heldUp; performance.now() < until; );
  await writePieces(bytes.subarray(middle));
  await delay(1000 / rate);
}
