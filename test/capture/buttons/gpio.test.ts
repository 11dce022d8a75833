import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Button, DEFAULT_PINS } from '../../../src/capture/buttons/button.ts';
import { Buttons } from '../../../src/capture/buttons/buttons.ts';
import { headerChipIn, sysfsBase } from '../../../src/capture/buttons/gpio-chip.ts';
import { openGpiodLines, parseEdge } from '../../../src/capture/buttons/gpiod-lines.ts';
import { StatusLed } from '../../../src/capture/buttons/status-led.ts';
import { openSysfsLines, type SysfsPin } from '../../../src/capture/buttons/sysfs-lines.ts';
import type { SpikescopeError } from '../../../src/errors.ts';

const FAKE = fileURLToPath(new URL('../../support/fake-gpiod.mjs', import.meta.url));
const PATH = process.env.PATH;

let folder: string;
let faults: SpikescopeError[];
let presses: Button[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-gpio-'));
  faults = [];
  presses = [];
});

afterEach(() => {
  process.env.PATH = PATH;
  delete process.env.FAKE_GPIOD;
  rmSync(folder, { recursive: true });
});

function installGpiod(behaviour: Readonly<Record<string, unknown>>): string {
  for (const tool of ['gpiodetect', 'gpiomon', 'gpioset']) symlinkSync(FAKE, path.join(folder, tool));
  process.env.PATH = `${folder}:${PATH}`;
  const calls = path.join(folder, 'calls');
  process.env.FAKE_GPIOD = JSON.stringify({ calls, ...behaviour });
  return calls;
}

const options = {
  pins: DEFAULT_PINS,
  onPress: (button: Button) => presses.push(button),
  onFault: (fault: SpikescopeError) => faults.push(fault),
};

describe('the header of a Raspberry Pi', () => {
  it('is found by its label, whatever its number', () => {
    const others = 'gpiochip10 [gpio-brcmstb@107d508500] (32 lines)\n';
    expect(headerChipIn(`${others}gpiochip0 [pinctrl-rp1] (54 lines)\n`)).toBe('gpiochip0');
    expect(headerChipIn(`gpiochip4 [pinctrl-rp1] (54 lines)\n${others}`)).toBe('gpiochip4');
    expect(headerChipIn('gpiochip0 [pinctrl-bcm2711] (58 lines)')).toBe('gpiochip0');
    expect(headerChipIn(others)).toBeNull();
    expect(headerChipIn('')).toBeNull();
  });

  it.each([399, 512, 571])('has the sysfs base that the kernel says: %i', async (base) => {
    for (const [chip, label] of [
      ['gpiochip0', 'raspberrypi-exp-gpio'],
      [`gpiochip${base}`, 'pinctrl-rp1'],
    ]) {
      mkdirSync(path.join(folder, chip));
      writeFileSync(path.join(folder, chip, 'label'), `${label}\n`);
      writeFileSync(path.join(folder, chip, 'base'), `${chip.slice(8)}\n`);
    }
    expect(await sysfsBase(folder)).toBe(base);
    expect(await sysfsBase(path.join(folder, 'absent'))).toBeNull();
  });
});

describe('buttons through the character device', () => {
  it.each([1, 2] as const)('are heard with libgpiod %i, debounced', async (major) => {
    const edges = [
      [20, 17, 'falling'],
      [23, 17, 'rising'],
      [26, 17, 'falling'],
      [700, 17, 'rising'],
      [900, 22, 'falling'],
      [1500, 22, 'rising'],
      [1600, 99, 'falling'],
    ];
    const calls = installGpiod({ major, edges });
    const buttons = await Buttons.open({ ...options, open: openGpiodLines });
    try {
      await expect.poll(() => presses, { timeout: 5000 }).toEqual(['capture', 'next-label']);
      expect(buttons.describe()).toContain('gpiochip0');
    } finally {
      await buttons.stop();
    }
    expect(faults).toEqual([]);
    expect(readFileSync(calls, 'utf8')).toBe(
      major === 1
        ? 'gpiomon --bias=pull-up --line-buffered --format=%o %e gpiochip0 17 27 22 23\n'
        : 'gpiomon --chip gpiochip0 --bias pull-up --edges both --format %o %E 17 27 22 23\n',
    );
  });

  it('are heard again after their monitor dies', async () => {
    const calls = installGpiod({ edges: [[0, 27, 'falling']], exit: true });
    const buttons = await Buttons.open({ ...options, open: openGpiodLines });
    try {
      await expect
        .poll(() => readFileSync(calls, 'utf8').split('\n').length, { timeout: 8000 })
        .toBeGreaterThan(2);
      expect(faults[0].code).toBe('GPIO_LOST');
    } finally {
      await buttons.stop();
    }
  });

  it('are refused with what to install where there is no header', async () => {
    process.env.PATH = folder;
    await expect(Buttons.open({ ...options, open: openGpiodLines })).rejects.toMatchObject({
      code: 'GPIO_MISSING',
    });
  });

  it('take nothing for an edge that is none', () => {
    expect(parseEdge('17 falling')).toEqual({ pin: 17, isDown: true });
    expect(parseEdge('17 1')).toEqual({ pin: 17, isDown: false });
    for (const line of ['', '17', 'falling 17', '17 2', 'error: x']) expect(parseEdge(line)).toBeNull();
  });
});

describe('buttons through sysfs', () => {
  it('are pins of the header shifted by its base, and given back', async () => {
    mkdirSync(path.join(folder, 'gpiochip571'));
    writeFileSync(path.join(folder, 'gpiochip571/label'), 'pinctrl-rp1\n');
    writeFileSync(path.join(folder, 'gpiochip571/base'), '571\n');
    const exported = new Map<number, (error: Error | null, value: number) => void>();
    const make = (number: number): SysfsPin => ({
      watch: (callback) => exported.set(number, callback),
      unexport: () => exported.delete(number),
    });
    const buttons = await Buttons.open({
      ...options,
      open: async (lines) => {
        const monitor = await openSysfsLines(lines, folder, make);
        if (monitor === null) throw new Error('sysfs was there');
        return monitor;
      },
    });
    expect([...exported.keys()]).toEqual([588, 598, 593, 594]);
    exported.get(598)?.(null, 0);
    await expect.poll(() => presses).toEqual(['confirm']);
    exported.get(588)?.(new Error('gone'), 0);
    expect(faults[0].code).toBe('GPIO_LOST');
    await buttons.stop();
    expect(exported.size).toBe(0);
  });

  it('are left to the character device where there is no sysfs', async () => {
    expect(await openSysfsLines({ pins: [17], onEdge: () => {}, onFault: () => {} }, folder)).toBeNull();
  });
});

describe('the status light', () => {
  it.each([1, 2] as const)('is held by gpioset of libgpiod %i, one at a time', async (major) => {
    const calls = installGpiod({ major });
    const led = await StatusLed.open(24);
    led.set(true);
    led.set(true);
    await expect.poll(() => lines(calls)).toHaveLength(1);
    led.set(false);
    await expect.poll(() => lines(calls)).toHaveLength(2);
    led.stop();
    const held = major === 1 ? 'gpioset --mode=signal gpiochip0 24=' : 'gpioset --chip gpiochip0 24=';
    expect(lines(calls)).toEqual([`${held}1`, `${held}0`]);
  });
});

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    return [];
  }
}
