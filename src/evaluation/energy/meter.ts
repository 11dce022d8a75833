/** What a machine offers to measure its own energy with. */
import { findPmic } from './pmic.ts';
import { findRapl } from './rapl.ts';

/** A measurement under way. */
export interface Measurement {
  /** Joules since the start. */
  stop(): Promise<number>;
}

export interface EnergyMeter {
  readonly name: 'rapl' | 'pmic';
  /** What its joules are of. */
  readonly covers: string;
  start(): Promise<Measurement>;
}

/** A meter, or why there is none. */
export type FoundMeter = EnergyMeter | { readonly absent: string };

/** The processor's own counters where they can be read, else the power supply of a Raspberry Pi 5. */
export async function findMeter(): Promise<FoundMeter> {
  const rapl = await findRapl();
  if (!('absent' in rapl)) return rapl;
  const pmic = await findPmic();
  return 'absent' in pmic ? { absent: `${rapl.absent}; ${pmic.absent}` } : pmic;
}
