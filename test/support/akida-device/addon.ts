/** The addon with the vendor's engine for the card, and what plays the card: made by `scripts/prepare-card.mjs`. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const BUILD = path.join(process.cwd(), 'native/akida-m2/build-card');
const ADDON = path.join(BUILD, 'build/Release/spikescope.node');

/** What runs as a process of its own. */
export const CARD_MAIN = path.join(BUILD, 'javascript/test/support/akida-device/main.js');

/** Null where the vendor's engine could not be had; `npm test` prepares it where it can. */
export function cardAddonOrNull(): string | null {
  return existsSync(ADDON) && existsSync(CARD_MAIN) ? ADDON : null;
}
