import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * Labels of the chip behind the Raspberry Pi's header: RP1 (Pi 5), BCM2711 (Pi 4), BCM2835 (before). Chip numbers are
 * no use: the header of a Pi 5 moved from gpiochip4 to gpiochip0 with a kernel.
 */
const HEADER_LABELS = ['pinctrl-rp1', 'pinctrl-bcm2711', 'pinctrl-bcm2835'];

/** The header's chip in what `gpiodetect` prints, for example `gpiochip0 [pinctrl-rp1] (54 lines)`; null without one. */
export function headerChipIn(gpiodetect: string): string | null {
  const chips = [...gpiodetect.matchAll(/^(gpiochip\d+) \[([^\]]*)\]/gm)];
  for (const label of HEADER_LABELS) {
    const chip = chips.find(([, , each]) => each === label);
    if (chip) return chip[1];
  }
  return null;
}

/**
 * The number that sysfs gives to the header's pin 0 (399, 512 and 571 have been seen); null where there is no sysfs or
 * no header.
 * @param root usually /sys/class/gpio
 */
export async function sysfsBase(root: string): Promise<number | null> {
  const entries = await readdir(root).catch(() => []);
  const chips = entries.filter((entry) => /^gpiochip\d+$/.test(entry));
  const labelled = await Promise.all(
    chips.map(async (chip) => {
      const read = async (file: string) =>
        (await readFile(path.join(root, chip, file), 'utf8').catch(() => '')).trim();
      return { label: await read('label'), base: await read('base') };
    }),
  );
  for (const label of HEADER_LABELS) {
    const chip = labelled.find((each) => each.label === label);
    if (chip && /^\d+$/.test(chip.base)) return Number(chip.base);
  }
  return null;
}
