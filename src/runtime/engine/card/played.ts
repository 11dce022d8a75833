/** A card that a program plays, at the end of a socket: what it takes, no silicon takes. */
import { statSync } from 'node:fs';

/** Names a card, or such a socket, instead of the first that is found (native/akida-m2/device/device_io.h). */
export const DEVICE_VARIABLE = 'SPIKESCOPE_AKIDA_DEVICE';

/** @param device path of a card */
export function isPlayed(device = process.env[DEVICE_VARIABLE]): boolean {
  if (!device) return false;
  return statSync(device, { throwIfNoEntry: false })?.isSocket() ?? false;
}
