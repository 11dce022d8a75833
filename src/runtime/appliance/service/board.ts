import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

/** What the board says of itself. */
export interface BoardState {
  /** Of the processor, °C; null where it cannot be read. */
  readonly temperature: number | null;
  /** Whether it is slowed down for heat or a weak supply now; null where it cannot be read. */
  readonly throttled: boolean | null;
}

/** Bits of `vcgencmd get_throttled` that speak of now: under-voltage, capped frequency, throttled, soft limit. */
const NOW = 0b1111;

/** @param sys usually /sys */
export async function boardState(sys = '/sys'): Promise<BoardState> {
  const [temperature, throttled] = await Promise.all([readTemperature(sys), readThrottled()]);
  return { temperature, throttled };
}

async function readTemperature(sys: string): Promise<number | null> {
  const text = await readFile(path.join(sys, 'class/thermal/thermal_zone0/temp'), 'utf8').catch(() => '');
  return /^-?\d+\s*$/.test(text) ? Number(text) / 1000 : null;
}

async function readThrottled(): Promise<boolean | null> {
  const output = await promisify(execFile)('vcgencmd', ['get_throttled'], { timeout: 2000 }).then(
    ({ stdout }) => stdout,
    () => '',
  );
  const flags = /throttled=0x([0-9a-f]+)/i.exec(output);
  return flags && (Number.parseInt(flags[1], 16) & NOW) !== 0;
}
