/** A device beside a card that fails: its images, what its journal holds, and the device itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { expect } from 'vitest';
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import { Device, type DeviceOptions } from '../../src/runtime/appliance/device.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../src/runtime/appliance/settings/settings.ts';
import { type Result, resultSchema } from '../../src/telehealth/result.ts';
import { Timers } from './failing-card.ts';

/** Phantoms, drawn once and small, so that hundreds of captures take seconds. */
export class PhantomFolder {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'spikescope-card-images-'));

  async draw(): Promise<void> {
    const painter = new PhantomPainter();
    for (let seed = 1; seed <= 6; seed++) {
      const { rgb, width, height } = painter.draw(seed).frame;
      const image = sharp(rgb, { raw: { width, height, channels: 3 } });
      await image
        .resize(240)
        .png()
        .toFile(path.join(this.folder, `${seed}.png`));
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A started device, the clock by which its card is tried again, and what it says to people. */
export interface StartedDevice {
  readonly device: Device;
  readonly timers: Timers;
  readonly said: string[];
}

/** Uses a device that reads a folder of images again and again, and closes it; then nothing may be waiting any more. */
export async function withStarted(
  settings: Partial<Settings>,
  use: (started: StartedDevice) => Promise<void>,
  others: Pick<DeviceOptions, 'backends'> = {},
): Promise<void> {
  const timers = new Timers();
  const said: string[] = [];
  const device = await Device.open({
    settings: { ...DEFAULT_SETTINGS, count: 1e6, learning: 'off', ...settings },
    stop: new AbortController(),
    say: (line) => said.push(line),
    schedule: timers.schedule,
    ...others,
  });
  try {
    await device.start();
    await use({ device, timers, said });
    device.appliance.stop();
    await device.delivery.settle({ isStopped: false });
  } finally {
    await device.close();
  }
  expect(timers.pending).toBe(0);
}

export function resultsIn({ parts }: Device): Result[] {
  return [...parts.journal.entries()].map(({ payload }) => resultSchema.parse(JSON.parse(payload)));
}

/** What the journal has of changes of what computes. */
export function changesIn({ parts }: Device): unknown[] {
  return [...parts.journal.records()]
    .filter(({ kind }) => kind === 'backend')
    .map(({ payload }) => JSON.parse(payload));
}
