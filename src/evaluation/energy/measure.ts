import { setTimeout } from 'node:timers/promises';
import type { EnergyMeter } from './meter.ts';

/** Joules and watts by a machine's own meter. */
export interface MeasuredEnergy {
  readonly meter: EnergyMeter['name'];
  readonly covers: string;
  readonly images: number;
  readonly seconds: number;
  /** All that the meter saw while the images were inferred, per image. */
  readonly joulesPerImage: number;
  /** Beyond what it saw while nothing was inferred; below 0 where other work outweighs it. */
  readonly joulesPerImageAboveIdle: number;
  readonly idleWatts: number;
}

const SECONDS = 2;

/**
 * Measures idleness, then `infer` again and again, each for about `seconds`.
 * @param infer one call
 * @param images of one call
 */
export async function measureEnergy(
  meter: EnergyMeter,
  infer: () => Promise<unknown>,
  images: number,
  seconds = SECONDS,
): Promise<MeasuredEnergy> {
  const idle = await metered(meter, () => setTimeout(1000 * seconds));
  let calls = 0;
  const busy = await metered(meter, async () => {
    for (const end = performance.now() + 1000 * seconds; performance.now() < end; calls++) await infer();
  });
  const idleWatts = idle.joules / idle.seconds;
  const count = calls * images;
  return {
    meter: meter.name,
    covers: meter.covers,
    images: count,
    seconds: busy.seconds,
    joulesPerImage: busy.joules / count,
    joulesPerImageAboveIdle: (busy.joules - idleWatts * busy.seconds) / count,
    idleWatts,
  };
}

async function metered(meter: EnergyMeter, work: () => Promise<unknown>) {
  const measurement = await meter.start();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  return { seconds, joules: await measurement.stop() };
}
