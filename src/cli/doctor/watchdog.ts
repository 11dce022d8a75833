import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Check } from './check.ts';

/** The board's watchdog, which restarts a system that hangs. */
export const checkWatchdog: Check = async ({ sys }) => {
  const part = 'watchdog';
  const read = (name: string) =>
    readFile(path.join(sys, 'class/watchdog/watchdog0', name), 'utf8').then(
      (text) => text.trim(),
      () => null,
    );
  const [identity, state, timeout] = await Promise.all(['identity', 'state', 'timeout'].map(read));
  if (identity === null) {
    return { part, state: 'absent', detail: 'no watchdog: a system that hangs waits for a person' };
  }
  const detail = `${identity}, ${timeout ?? 'unknown'} s, ${state ?? 'state unknown'}`;
  if (state === 'active') return { part, state: 'works', detail };
  return { part, state: 'unknown', detail, remedy: 'RuntimeWatchdogSec=14s in /etc/systemd/system.conf' };
};
