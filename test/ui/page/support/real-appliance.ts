/** A real appliance in a process of its own: a camera that sees a phantom, the embedded broker, the screen on loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { PhantomPainter } from '../../../../src/capture/phantom/draw.ts';
import { compiled } from '../../../support/compiled.ts';

const [WIDTH, HEIGHT] = [640, 480];

export interface RealAppliance {
  readonly url: string;
  readonly folder: string;
  /** Its process is no more. */
  readonly ended: Promise<unknown>;
  /** The camera gives nothing any more. */
  stall(): void;
  goOn(): void;
  stop(): Promise<void>;
}

/**
 * @param seed of the phantom that the camera sees
 * @param data where the data lie. Default: in a folder of its own
 */
export async function startAppliance(seed: number, data?: string): Promise<RealAppliance> {
  compiled('cli/main.js');
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-screen-'));
  const frames = path.join(folder, 'frame.yuv');
  writeFileSync(frames, await phantomFrame(seed));
  symlinkSync(fileURLToPath(new URL('phantom-camera.mjs', import.meta.url)), path.join(folder, 'rpicam-vid'));
  const options = [
    ...['--source', 'libcamera', '--camera-size', `${WIDTH}x${HEIGHT}`, '--trigger', 'buttons'],
    ...['--screen', '0', '--patient-context', '--result-schema', '3'],
    ...['--data', data ?? path.join(folder, 'data'), '--broker-port', '0'],
  ];
  const appliance = spawn(process.execPath, ['bin/spikescope.mjs', 'run', ...options], {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}`, PHANTOM_CAMERA: frames },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(appliance, 'exit');
  const url = await addressOf(appliance);
  return {
    url,
    folder,
    ended,
    stall: () => writeFileSync(`${frames}.stall`, ''),
    goOn: () => rmSync(`${frames}.stall`),
    stop: async () => {
      if (appliance.exitCode === null && appliance.signalCode === null) {
        appliance.kill('SIGTERM');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function addressOf(appliance: ChildProcess): Promise<string> {
  const said: string[] = [];
  if (appliance.stderr === null) throw new Error('the appliance has no stderr');
  const lines = createInterface({ input: appliance.stderr });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      said.push(line);
      const address = /^\s*screen\s+(http:\S+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    lines.on('close', () => reject(new Error(`the appliance ended:\n${said.join('\n')}`)));
  });
}

/** A phantom as a camera writes it: full-range BT.601. */
async function phantomFrame(seed: number): Promise<Buffer> {
  const { rgb, width, height } = new PhantomPainter().draw(seed).frame;
  const pixels = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(WIDTH, HEIGHT, { fit: 'fill' })
    .raw()
    .toBuffer();
  const out = Buffer.alloc((WIDTH * HEIGHT * 3) / 2);
  const [u, v] = [WIDTH * HEIGHT, (WIDTH * HEIGHT * 5) / 4];
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [r, g, b] = pixels.subarray(3 * (y * WIDTH + x));
      out[y * WIDTH + x] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
      if (x % 2 !== 0 || y % 2 !== 0) continue;
      const place = (y >> 1) * (WIDTH >> 1) + (x >> 1);
      out[u + place] = Math.round(128 - 0.168736 * r - 0.331264 * g + 0.5 * b);
      out[v + place] = Math.round(128 + 0.5 * r - 0.418688 * g - 0.081312 * b);
    }
  }
  return out;
}
