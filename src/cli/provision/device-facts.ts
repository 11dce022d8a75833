import { readFileSync } from 'node:fs';
import { programVersion } from '../../program-version.ts';
import { MachineFiles } from '../../runtime/engine/card/machine-files.ts';
import { chipsOnBus } from '../../runtime/engine/card/pci.ts';
import { JOURNAL_SCHEMA } from '../../store/journal-schema.ts';
import type { DeviceFacts } from '../../updates/compatibility.ts';
import { DEVICE_PLACES, runningSlot } from '../../updates/system/places.ts';

/**
 * What this very machine is.
 * @param root below which the machine's files lie
 * @param model where it says what board it is
 */
export async function deviceFacts(root = '/', model = '/proc/device-tree/model'): Promise<DeviceFacts> {
  const board = boardOf(model);
  const chips = await chipsOnBus(new MachineFiles(root));
  return {
    hardware: [...(board === null ? [] : [board]), `${process.platform}-${process.arch}`],
    cards: [...new Set(chips.map(({ chip }) => chip.toLowerCase()))],
    application: programVersion(),
    journal: JOURNAL_SCHEMA,
    hasSystemSlots: runningSlot(DEVICE_PLACES) !== null,
  };
}

/** `Raspberry Pi 5 Model B Rev 1.0` → `raspberry-pi-5`; null where the machine has no such description. */
function boardOf(file: string): string | null {
  try {
    const [, name] = /^(.+?)(?: Model| Rev|\0|$)/.exec(readFileSync(file, 'latin1')) ?? [];
    return name === undefined ? null : name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  } catch {
    return null;
  }
}
