import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareZXingModule, writeBarcode } from 'zxing-wasm/writer';
import type { CaptureSource, LiveFrame } from '../../../src/capture/source.ts';
import type { RgbFrame } from '../../../src/frame.ts';
import { Scanner } from '../../../src/ui/web/server/scanner.ts';
import { yuvOf } from '../../support/yuv.ts';

const SIZE = { width: 640, height: 480 };

beforeAll(() => {
  const file = createRequire(import.meta.url).resolve('zxing-wasm/writer/zxing_writer.wasm');
  prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(readFileSync(file)).buffer } });
});

/** A code as a camera sees it: grey on grey, a little blurred, turned. */
async function picture(text: string, format: 'QRCode' | 'Code128'): Promise<RgbFrame> {
  const { image, error } = await writeBarcode(text, { format, scale: 4 });
  if (image === null) throw new Error(error);
  const code = await sharp(Buffer.from(await image.arrayBuffer()))
    .flatten({ background: 'white' })
    .resize({ width: 400, height: 300, fit: 'inside' })
    .rotate(4, { background: 'white' })
    .toBuffer();
  const { data } = await sharp({ create: { ...SIZE, channels: 3, background: 'white' } })
    .composite([{ input: code }])
    .blur(0.6)
    .linear(0.6, 40)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { rgb: data, ...SIZE };
}

function cameraOn(frame: RgbFrame | null): CaptureSource {
  const live: LiveFrame | null = frame && { frame: yuvOf(frame), takenAt: new Date(), age: 0 };
  return { kind: 'libcamera', describe: () => '', frames: async function* () {}, newest: () => live };
}

describe('a code before the camera', () => {
  it.each([
    ['QRCode', 'E-2026/000417'],
    ['Code128', 'P4711-0815'],
  ] as const)('of the kind %s is read', async (format, text) => {
    let changes = 0;
    const scanner = new Scanner(cameraOn(await picture(text, format)), () => void changes++);
    expect(await scanner.scan()).toBe(text);
    expect([scanner.isScanning, changes]).toEqual([false, 2]);
  });

  it('is looked for until somebody stops that', async () => {
    const scanner = new Scanner(cameraOn(null), () => {});
    const scanning = scanner.scan();
    expect(scanner.isScanning).toBe(true);
    scanner.stop();
    expect(await scanning).toBeNull();
  });
});
