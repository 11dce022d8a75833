/** Energy counters of x86 processors (RAPL), as Linux shows them below /sys/class/powercap. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, systemCodeOf } from '../../errors.ts';
import type { FoundMeter } from './meter.ts';

const POWERCAP = '/sys/class/powercap';
/** Zones of whole processors; their parts (cores, memory) have a second number and are contained in them. */
const ZONE = /^intel-rapl:\d+$/;
const MICRO = 1e-6;

/** A counter of microjoules that starts again from 0 above `range`. */
interface Counter {
  readonly file: string;
  readonly range: number;
}

export async function findRapl(folder = POWERCAP): Promise<FoundMeter> {
  try {
    const zones = (await readdir(folder)).filter((name) => ZONE.test(name)).sort();
    const counters = (await Promise.all(zones.map((zone) => counterIn(path.join(folder, zone))))).flat();
    if (counters.length === 0) return { absent: 'RAPL: Linux shows no counter of a processor' };
    await Promise.all(counters.map(({ file }) => readNumber(file)));
    return {
      name: 'rapl',
      covers: counters.length === 1 ? 'the whole processor' : `${counters.length} whole processors`,
      async start() {
        const before = await readAll(counters);
        return {
          async stop() {
            const after = await readAll(counters);
            return (
              MICRO * counters.reduce((sum, { range }, i) => sum + passed(before[i], after[i], range), 0)
            );
          },
        };
      },
    };
  } catch (error) {
    return { absent: `RAPL: ${absence(error)}` };
  }
}

function absence(error: unknown): string {
  const code = systemCodeOf(error);
  if (code === 'ENOENT') return 'Linux shows no counters here';
  if (code === 'EACCES') return 'only root may read the counters';
  return reasonOf(error);
}

async function counterIn(zone: string): Promise<Counter[]> {
  const name = (await readFile(path.join(zone, 'name'), 'utf8')).trim();
  if (!name.startsWith('package')) return [];
  return [
    { file: path.join(zone, 'energy_uj'), range: await readNumber(path.join(zone, 'max_energy_range_uj')) },
  ];
}

function readAll(counters: readonly Counter[]): Promise<number[]> {
  return Promise.all(counters.map(({ file }) => readNumber(file)));
}

async function readNumber(file: string): Promise<number> {
  const text = (await readFile(file, 'utf8')).trim();
  if (!/^\d+$/.test(text)) throw new Error(`${file} holds no number`);
  return Number(text);
}

/** Microjoules between two readings less than one turn of the counter apart; a turn takes many minutes. */
function passed(before: number, after: number, range: number): number {
  return after >= before ? after - before : after + range - before;
}
