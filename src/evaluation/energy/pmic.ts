/**
 * Power supply of a Raspberry Pi 5: its chip measures current and voltage of each rail, `vcgencmd pmic_read_adc` prints
 * them.
 */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { systemCodeOf } from '../../errors.ts';
import type { EnergyMeter, FoundMeter } from './meter.ts';

const run = promisify(execFile);
/** Milliseconds between the end of one reading and the next. */
const INTERVAL = 100;
const TIMEOUT = 5000;
/** `  VDD_CORE_A current(7)=1.23400000A`, `  VDD_CORE_V volt(15)=0.87600000V` */
const LINE = /^\s*(\w+)_([AV])\s+(?:current|volt)\(\d+\)=(\d+(?:\.\d+)?)[AV]\s*$/gm;

/** Watts over all rails for which both current and voltage are printed; 0 when there are none. */
export function wattsIn(text: string): number {
  const rails = new Map<string, { A?: number; V?: number }>();
  for (const [, rail, unit, value] of text.matchAll(LINE)) {
    rails.set(rail, { ...rails.get(rail), [unit]: Number(value) });
  }
  return [...rails.values()].reduce((sum, { A = 0, V = 0 }) => sum + A * V, 0);
}

export async function findPmic(command = 'vcgencmd'): Promise<FoundMeter> {
  const readWatts = async () => {
    const { stdout } = await run(command, ['pmic_read_adc'], { timeout: TIMEOUT });
    const watts = wattsIn(stdout);
    if (watts === 0) throw new Error('no rail has both current and voltage');
    return watts;
  };
  try {
    await readWatts();
  } catch (error) {
    const isMissing = systemCodeOf(error) === 'ENOENT';
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return { absent: isMissing ? 'PMIC: there is no vcgencmd' : `PMIC: ${reason}` };
  }
  return meterOf(readWatts);
}

/** Joules by the trapezoidal rule over readings that are taken until the measurement is stopped. */
function meterOf(readWatts: () => Promise<number>): EnergyMeter {
  return {
    name: 'pmic',
    covers: 'the rails that a Raspberry Pi 5 measures: all but its USB, camera and display supplies',
    async start() {
      let stopped = false;
      let [joules, watts, time] = [0, await readWatts(), performance.now()];
      const take = async () => {
        const next = await readWatts();
        const now = performance.now();
        joules += (((watts + next) / 2) * (now - time)) / 1000;
        [watts, time] = [next, now];
      };
      const taking = (async () => {
        while (!stopped) {
          await new Promise((resolve) => setTimeout(resolve, INTERVAL));
          await take();
        }
      })();
      // Thrown again by `stop`; unhandled until then it would end the program.
      taking.catch(() => undefined);
      return {
        async stop() {
          stopped = true;
          await taking;
          return joules;
        },
      };
    },
  };
}
