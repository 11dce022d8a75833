import type { FoundMeter } from './meter.ts';
import { findPmic } from './pmic.ts';
import { findRapl } from './rapl.ts';

/** The processor's own counters where they can be read, else the power supply of a Raspberry Pi 5. */
export async function findMeter(): Promise<FoundMeter> {
  const rapl = await findRapl();
  if (!('absent' in rapl)) return rapl;
  const pmic = await findPmic();
  return 'absent' in pmic ? { absent: `${rapl.absent}; ${pmic.absent}` } : pmic;
}
