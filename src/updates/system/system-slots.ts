import type { Slot } from '../install/contract.ts';
import type { SystemSlots } from '../install/installer.ts';
import type { Occupant } from '../install/state.ts';
import { runningRelease, runningRootHash, runningSlot, type SystemPlaces } from './places.ts';
import { writeSystem } from './write-system.ts';

/** Where nothing says which root this is. */
const UNKNOWN_HASH = '0'.repeat(64);

/** The slots of a device for its system; null on a device that has none. @param data its data folder */
export function systemSlots(data: string, places: SystemPlaces): SystemSlots | null {
  const running = runningSlot(places);
  if (running === null) return null;
  return {
    running,
    factory: factoryOf(places),
    write: async (file: string, slot: Slot, onProgress: (bytes: number) => void) =>
      (await writeSystem({ data, places, file, slot, onProgress })).path,
  };
}

/** What runs and was never installed: known by the root hash of its own file system, as no archive was at hand. */
function factoryOf(places: SystemPlaces): Occupant {
  const at = new Date(0).toISOString();
  return {
    ...{ target: 'image', role: 'image', ...runningRelease(places), kind: 'system' },
    ...{
      hash: runningRootHash(places) ?? UNKNOWN_HASH,
      length: 0,
      change: '',
      notes: '',
      learning: null,
      proof: null,
    },
    ...{ installedAt: at, confirmedAt: at, refused: null },
  };
}
