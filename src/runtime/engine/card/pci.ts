/** BrainChip's chips on the PCI bus, as sysfs shows them: no program of theirs is needed for that. */
import type { MachineFiles } from './machine-files.ts';

const BUS = 'sys/bus/pci/devices';

/** PCI vendor and device numbers (the table of the driver akida_dw_edma). */
const CHIPS: Readonly<Record<string, 'AKD1000' | 'AKD1500'>> = {
  '0x1e7c:0xbca1': 'AKD1000',
  '0x1e7c:0xa500': 'AKD1500',
};

/** Errors that the link has counted since the start of the system (PCIe Advanced Error Reporting). */
export interface LinkErrors {
  /** Mended by the hardware. */
  readonly correctable: number;
  readonly nonfatal: number;
  readonly fatal: number;
}

export interface PciChip {
  /** For example `0001:01:00.0`. */
  readonly address: string;
  readonly chip: 'AKD1000' | 'AKD1500';
  /** Name of the driver that has taken it; null for none. */
  readonly driver: string | null;
  /** As the kernel writes it, for example `5.0 GT/s PCIe`; null where it does not say. */
  readonly speed: string | null;
  /** Lanes; null where the kernel does not say. */
  readonly width: number | null;
  /** Power states of the link that are switched on, of `L0s` and `L1`; null where the kernel does not say. */
  readonly powerSaving: readonly string[] | null;
  /** Null where the kernel does not count. */
  readonly errors: LinkErrors | null;
  /** Bits of the addresses that it may be given for DMA; null where the kernel does not say. */
  readonly dmaBits: number | null;
  /** Whether its configuration space reads as ones: it was there when the system started, and is gone. */
  readonly isGone: boolean;
}

/** Every chip of BrainChip's on the bus, in the order of their addresses. */
export async function chipsOnBus(files: MachineFiles): Promise<PciChip[]> {
  const found = await Promise.all(
    (await files.names(BUS)).map(async (address) => {
      const of = (file: string) => files.text(`${BUS}/${address}/${file}`);
      const chip = CHIPS[`${await of('vendor')}:${await of('device')}`];
      return chip === undefined ? [] : [await chipAt(files, address, chip)];
    }),
  );
  return found.flat();
}

async function chipAt(files: MachineFiles, address: string, chip: PciChip['chip']): Promise<PciChip> {
  const folder = `${BUS}/${address}`;
  const width = await files.wholeNumber(`${folder}/current_link_width`);
  return {
    address,
    chip,
    driver: await files.linkName(`${folder}/driver`),
    speed: await files.text(`${folder}/current_link_speed`),
    width,
    powerSaving: await powerSaving(files, folder),
    errors: await linkErrors(files, folder),
    dmaBits: await files.wholeNumber(`${folder}/dma_mask_bits`),
    isGone: await isGone(files, folder),
  };
}

async function powerSaving(files: MachineFiles, folder: string): Promise<string[] | null> {
  const states = await Promise.all(
    (['l0s', 'l1'] as const).map((state) => files.wholeNumber(`${folder}/link/${state}_aspm`)),
  );
  if (states.every((state) => state === null)) return null;
  return ['L0s', 'L1'].filter((_, i) => states[i] === 1);
}

async function linkErrors(files: MachineFiles, folder: string): Promise<LinkErrors | null> {
  const [correctable, nonfatal, fatal] = await Promise.all(
    (['correctable', 'nonfatal', 'fatal'] as const).map(async (severity) => {
      const text = await files.text(`${folder}/aer_dev_${severity}`);
      // A line for each kind of error, and one with their sum: "TOTAL_ERR_COR 3".
      const total = /^TOTAL_ERR_\w+ (\d+)$/m.exec(text ?? '');
      return total && Number(total[1]);
    }),
  );
  if (correctable === null || nonfatal === null || fatal === null) return null;
  return { correctable, nonfatal, fatal };
}

/** The kernel keeps vendor and device in memory, and asks the chip itself for its configuration space. */
async function isGone(files: MachineFiles, folder: string): Promise<boolean> {
  const configuration = await files.bytes(`${folder}/config`);
  if (configuration === null || configuration.length < 4) return false;
  return configuration.subarray(0, 4).every((byte) => byte === 0xff);
}
