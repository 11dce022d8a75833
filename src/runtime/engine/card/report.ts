import { type Driver, driverOf } from './driver.ts';
import { kernelLines } from './kernel-log.ts';
import { MachineFiles } from './machine-files.ts';
import { type CardNode, cardNodes } from './nodes.ts';
import { chipsOnBus, type PciChip } from './pci.ts';

/** All that a machine says of its card without the card being touched. */
export interface CardReport {
  readonly nodes: readonly CardNode[];
  readonly chips: readonly PciChip[];
  readonly driver: Driver;
  /** Release of the kernel that runs; null where it is not known. */
  readonly kernel: string | null;
  /** Of a board with a device tree, for example `Raspberry Pi 5 Model B Rev 1.0`. */
  readonly board: string | null;
  /** Of the machine, bytes. */
  readonly memory: number | null;
  /** How the kernel is to save power on PCI links, for example `default`. */
  readonly linkPolicy: string | null;
  /** Overlays and parameters of a Raspberry Pi's config.txt that are about its PCI bus; null where there is no such file. */
  readonly bootSettings: readonly string[] | null;
  /** Null where the kernel's log may not be read. */
  readonly kernelLines: readonly string[] | null;
}

/** @param root below which the machine's files lie; usually / */
export async function cardReport(root = '/'): Promise<CardReport> {
  const files = new MachineFiles(root);
  const memory = /^MemTotal:\s+(\d+) kB$/m.exec((await files.text('proc/meminfo')) ?? '');
  return {
    nodes: await cardNodes(files),
    chips: await chipsOnBus(files),
    driver: await driverOf(files),
    kernel: await kernelRelease(files),
    board: await files.text('proc/device-tree/model'),
    memory: memory && Number(memory[1]) * 1024,
    // The one in use stands in brackets: "[default] performance powersave powersupersave".
    linkPolicy:
      /\[(\w+)\]/.exec((await files.text('sys/module/pcie_aspm/parameters/policy')) ?? '')?.[1] ?? null,
    bootSettings: await bootSettings(files),
    kernelLines: kernelLines(files),
  };
}

async function kernelRelease(files: MachineFiles): Promise<string | null> {
  return /^Linux version (\S+)/.exec((await files.text('proc/version')) ?? '')?.[1] ?? null;
}

async function bootSettings(files: MachineFiles): Promise<string[] | null> {
  const text =
    (await files.text('boot/firmware/config.txt')) ??
    (await files.text('boot/config.txt')) ??
    // Of an image, whose boot partitions are not mounted.
    (await files.text('usr/share/spikescope/config.txt'));
  if (text === null) return null;
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^dt(param|overlay)=.*pcie/.test(line));
}
