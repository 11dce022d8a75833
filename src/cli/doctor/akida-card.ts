import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Check } from './check.ts';

/** PCI vendor and device numbers of BrainChip's chips (its driver's table). */
const CHIPS: Readonly<Record<string, string>> = { '0x1e7c:0xbca1': 'AKD1000', '0x1e7c:0xa500': 'AKD1500' };

/** The Akida card: on the bus, and with a driver's device node. Whether it computes is not tried. */
export const checkCard: Check = async ({ dev, sys }) => {
  const nodes = (await namesIn(dev)).filter((name) => /^(akida\d+|akd1500_\d+)$/.test(name));
  const chips = await chipsOnBus(path.join(sys, 'bus/pci/devices'));
  if (nodes.length > 0) {
    return {
      part: 'card',
      state: 'works',
      detail: `${nodes.map((name) => path.join(dev, name)).join(', ')}; its driver answers, nothing was run on it`,
    };
  }
  if (chips.length > 0) {
    return {
      part: 'card',
      state: 'broken',
      detail: `${chips.join(', ')} on the PCI bus, but no driver has taken it`,
      remedy: 'build and load the akida_dw_edma driver for this kernel',
    };
  }
  return {
    part: 'card',
    state: 'absent',
    detail: 'no Akida card on the PCI bus; the processor computes instead',
    remedy: 'on a Raspberry Pi 5: dtparam=pciex1 in config.txt, and check how the M.2 module sits',
  };
};

/** Names of the chips on a PCI bus, as `AKD1000`. */
export async function chipsOnBus(bus: string): Promise<string[]> {
  const devices = await namesIn(bus);
  const read = async (device: string, file: string) =>
    (await readFile(path.join(bus, device, file), 'utf8').catch(() => '')).trim();
  const found = await Promise.all(
    devices.map(async (device) => CHIPS[`${await read(device, 'vendor')}:${await read(device, 'device')}`]),
  );
  return found.filter((chip) => chip !== undefined);
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
