import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estimateEnergy } from '../../../src/evaluation/energy/estimate.ts';
import { measureEnergy } from '../../../src/evaluation/energy/measure.ts';
import type { EnergyMeter, FoundMeter } from '../../../src/evaluation/energy/meter.ts';
import { findPmic, wattsIn } from '../../../src/evaluation/energy/pmic.ts';
import { findRapl } from '../../../src/evaluation/energy/rapl.ts';

function meterOf(found: FoundMeter): EnergyMeter {
  if ('absent' in found) throw new Error(found.absent);
  return found;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'energy-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('RAPL', () => {
  /** Zones as Linux lays them out. */
  async function powercap(
    zones: Readonly<Record<string, { name: string; energy: number }>>,
  ): Promise<string> {
    const root = await mkdtemp(path.join(folder, 'powercap-'));
    for (const [zone, { name, energy }] of Object.entries(zones)) {
      await mkdir(path.join(root, zone));
      await writeFile(path.join(root, zone, 'name'), `${name}\n`);
      await writeFile(path.join(root, zone, 'energy_uj'), `${energy}\n`);
      await writeFile(path.join(root, zone, 'max_energy_range_uj'), '262143328850\n');
    }
    return root;
  }

  it('adds up processors, not their parts, and survives a counter that starts again', async () => {
    const root = await powercap({
      'intel-rapl': { name: 'control', energy: 0 },
      'intel-rapl:0': { name: 'package-0', energy: 262_143_328_000 },
      'intel-rapl:0:0': { name: 'core', energy: 0 },
      'intel-rapl:1': { name: 'package-1', energy: 5_000_000 },
      'intel-rapl:2': { name: 'psys', energy: 0 },
    });
    const meter = meterOf(await findRapl(root));
    expect(meter.covers).toBe('2 whole processors');
    const measurement = await meter.start();
    await writeFile(path.join(root, 'intel-rapl:0/energy_uj'), '1999150\n');
    await writeFile(path.join(root, 'intel-rapl:0:0/energy_uj'), '900000\n');
    await writeFile(path.join(root, 'intel-rapl:1/energy_uj'), '8000000\n');
    await writeFile(path.join(root, 'intel-rapl:2/energy_uj'), '70000000\n');
    expect(await measurement.stop()).toBeCloseTo(2 + 3, 9);
  });

  it('is absent, with the reason, where there are no counters', async () => {
    expect(await findRapl(path.join(folder, 'nowhere'))).toEqual({
      absent: 'RAPL: Linux shows no counters here',
    });
    expect(await findRapl(await powercap({ 'intel-rapl:0': { name: 'psys', energy: 1 } }))).toEqual({
      absent: 'RAPL: Linux shows no counter of a processor',
    });
  });
});

const ADC = `
   3V7_WL_SW_A current(0)=0.00390372A
     VDD_CORE_A current(7)=2.00000000A
   3V7_WL_SW_V volt(8)=3.70000000V
     VDD_CORE_V volt(15)=0.90000000V
       EXT5V_V volt(24)=5.14000000V
        BATT_V volt(25)=0.00000000V
`;

describe('the power supply of a Raspberry Pi 5', () => {
  async function vcgencmd(body: string): Promise<string> {
    const program = path.join(await mkdtemp(path.join(folder, 'bin-')), 'vcgencmd');
    await writeFile(program, `#!/bin/sh\n[ "$1" = pmic_read_adc ] || exit 1\n${body}\n`);
    await chmod(program, 0o755);
    return program;
  }

  it('is current times voltage over the rails that have both', () => {
    expect(wattsIn(ADC)).toBeCloseTo(0.00390372 * 3.7 + 2 * 0.9, 9);
    expect(wattsIn('error=1 error_msg="Command not registered"')).toBe(0);
  });

  it('gives joules over time', async () => {
    const meter = meterOf(await findPmic(await vcgencmd(`cat <<'END'${ADC}END`)));
    const measurement = await meter.start();
    const started = performance.now();
    await setTimeout(400);
    const joules = await measurement.stop();
    const seconds = (performance.now() - started) / 1000;
    // Constant power; the last reading lies between the request to stop and the answer.
    expect(joules).toBeGreaterThan(0.4 * wattsIn(ADC) * 0.9);
    expect(joules).toBeLessThanOrEqual(seconds * wattsIn(ADC) * 1.1);
  });

  it('is absent, with the reason, where the program is not, fails, or prints no rail', async () => {
    expect(await findPmic(path.join(folder, 'no-vcgencmd'))).toEqual({
      absent: 'PMIC: there is no vcgencmd',
    });
    expect(await findPmic(await vcgencmd('exit 3'))).toMatchObject({
      absent: expect.stringMatching(/^PMIC: Command failed/),
    });
    expect(await findPmic(await vcgencmd('echo "error=1"'))).toEqual({
      absent: 'PMIC: no rail has both current and voltage',
    });
  });
});

describe('measured energy', () => {
  it('is what the meter saw, and what it saw beyond idleness, per image', async () => {
    const readings = [1, 5];
    const meter: EnergyMeter = {
      name: 'rapl',
      covers: 'a test',
      start: async () => ({ stop: async () => readings.shift() ?? 0 }),
    };
    let calls = 0;
    const infer = async () => {
      calls++;
      await setTimeout(5);
    };
    const measured = await measureEnergy(meter, infer, 4, 0.05);
    expect(measured.images).toBe(4 * calls);
    expect(measured.joulesPerImage).toBeCloseTo(5 / measured.images, 12);
    const idle = measured.idleWatts * measured.seconds;
    expect(measured.joulesPerImageAboveIdle).toBeCloseTo((5 - idle) / measured.images, 12);
  });
});

describe('estimated energy', () => {
  it('counts multiply-adds for synapses and additions for spikes', () => {
    const estimate = estimateEnergy({ synapses: 1e6, activeSynapses: 5e5, synapticOperations: 2e6 });
    expect(estimate.dense).toBeCloseTo(0.3, 12);
    expect(estimate.events).toBeCloseTo(0.15, 12);
    expect(estimate.spikes).toBeCloseTo(0.2, 12);
  });
});
