import path from 'node:path';
import { sysfsBase } from '../../capture/buttons/gpio-chip.ts';
import { findGpiod } from '../../capture/buttons/gpiod.ts';
import { SpikescopeError } from '../../errors.ts';
import type { Check } from './check.ts';

/** The header for buttons and light. */
export const checkGpio: Check = async ({ sys }) => {
  const base = await sysfsBase(path.join(sys, 'class/gpio'));
  if (base !== null) return { part: 'gpio', state: 'works', detail: `the header in sysfs, base ${base}` };
  try {
    const { chip, major } = await findGpiod();
    return { part: 'gpio', state: 'works', detail: `the header is ${chip}, through gpiod ${major}` };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    const { received = error.message, remedy } = error.details;
    return { part: 'gpio', state: 'absent', detail: received, ...(remedy !== undefined && { remedy }) };
  }
};
