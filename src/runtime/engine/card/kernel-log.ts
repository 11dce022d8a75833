/** What the kernel has said of the card since the start of the system, where this user may read it. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { systemCodeOf } from '../../../errors.ts';
import type { MachineFiles } from './machine-files.ts';

/** Of the driver, of the vendor's DMA code, and of the port of the PCI bus. */
const OURS = /akida|dw-edma|dw_edma|DMA wait completion|unexpected transfer len|DMA mask 32/i;
/** Bytes of one record of /dev/kmsg at most. */
const RECORD = 8192;
/** More records than the kernel keeps. */
const MOST = 100_000;

/** Lines about the card, oldest first; null where the log may not be read. */
export function kernelLines(files: MachineFiles): string[] | null {
  let file: number;
  try {
    file = openSync(files.at('dev/kmsg'), constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    return linesOf(readRecords(file)).filter((line) => OURS.test(line));
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/** The device gives a record for each read, and EAGAIN after the last. */
function readRecords(file: number): string {
  const buffer = Buffer.alloc(RECORD);
  let text = '';
  for (let i = 0; i < MOST; i++) {
    try {
      const length = readSync(file, buffer, 0, RECORD, null);
      if (length === 0) break;
      text += buffer.toString('utf8', 0, length);
    } catch (error) {
      const code = systemCodeOf(error);
      // EPIPE: a record was overwritten before it was read; the next read gives the one after it.
      if (code === 'EPIPE') continue;
      if (code === 'EAGAIN') break;
      throw error;
    }
  }
  return text;
}

/** `6,339,5140900,-;akida-pcie 0001:01:00.0: probed (akida0)`; lines that begin with a space belong to the one before. */
function linesOf(records: string): string[] {
  return records
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(' '))
    .map((line) => line.replace(/^[^;]*;/, ''));
}
