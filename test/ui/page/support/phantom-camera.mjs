#!/usr/bin/env node
/**
 * A camera program for tests that sees a drawn lesion: writes the frame of the file PHANTOM_CAMERA (YUV 4:2:0 as rpicam-vid
 * writes it) again and again, each a shade apart from the last, for as long as no file of that name with `.stall` lies
 * there.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const file = process.env.PHANTOM_CAMERA ?? '';
const frame = readFileSync(file);
const rate = Number(process.argv[process.argv.indexOf('--framerate') + 1]);

process.stdout.on('error', () => process.exit(0));
for (let n = 0; ; n++) {
  while (existsSync(`${file}.stall`)) await delay(50);
  frame[0] = n % 250;
  await new Promise((resolve) => process.stdout.write(frame, resolve));
  await delay(1000 / rate);
}
