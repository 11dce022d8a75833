import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { askSystem, EARLIEST_TIME } from '../../runtime/appliance/clock.ts';
import type { Check } from './check.ts';

/** Results carry the time; certificates depend on it. */
export const checkClock: Check = async ({ sys }) => {
  const now = new Date();
  const clocks = (await readdir(path.join(sys, 'class/rtc')).catch(() => [])).length;
  const isSynchronised = (await askSystem()) === 'synchronised';
  const detail = [
    now.toISOString(),
    clocks > 0 ? 'a real-time clock' : 'no real-time clock',
    isSynchronised ? 'synchronised' : 'not known to be synchronised',
  ].join(', ');
  if (now.getTime() < EARLIEST_TIME) {
    return {
      part: 'clock',
      state: 'broken',
      detail,
      remedy: 'fit the battery of the real-time clock, or connect to a network with NTP',
    };
  }
  if (isSynchronised) return { part: 'clock', state: 'works', detail };
  return {
    part: 'clock',
    state: 'unknown',
    detail,
    remedy: 'compare the time with a clock that is right; a network with NTP keeps it so',
  };
};
