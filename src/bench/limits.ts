/** What the machine could do at best: the ceilings of the roofline. */
import { nativeAddon } from '../native/addon.ts';

const PEAK_MILLISECONDS = 150;
const BANDWIDTH_MILLISECONDS = 100;

/** How much is read over and over, so that it comes from one place in every processor that serves here. */
const PLACES = {
  'first-level cache': 16 * 2 ** 10,
  'second-level cache': 256 * 2 ** 10,
  memory: 192 * 2 ** 20,
};

export interface MachineLimits {
  /** 8-bit multiply-adds per second of one core, by instruction set; sets for which the compiler chooses are not there. */
  readonly multiplyAddPeaks: Readonly<Record<string, number>>;
  /** What one core reads. */
  readonly bandwidths: readonly Bandwidth[];
}

export interface Bandwidth {
  readonly place: string;
  /** Bytes that were read over and over. */
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

/** Takes under a second, on this thread. */
export function measureLimits(): MachineLimits {
  const addon = nativeAddon();
  const peaks = addon
    .instructionSets()
    .map((set) => [set, addon.measurePeak(set, PEAK_MILLISECONDS)] as const)
    .filter(([, peak]) => peak > 0);
  return {
    multiplyAddPeaks: Object.fromEntries(peaks),
    bandwidths: Object.entries(PLACES).map(([place, bytes]) => ({
      place,
      bytes,
      bytesPerSecond: addon.measureBandwidth(bytes, BANDWIDTH_MILLISECONDS),
    })),
  };
}
