/**
 * `autoboot.txt`, by which the firmware of a Raspberry Pi chooses the partition to start from. It reads 512 bytes of the
 * file and knows the filters `[all]`, `[none]` and `[tryboot]`; source: Raspberry Pi documentation, config.txt, autoboot.
 */
import type { Slot } from '../install/contract.ts';

/** Bytes that the firmware reads. */
const READ_BYTES = 512;

/** Partition of each slot's boot files, counted from 1. */
export const BOOT_PARTITIONS: Readonly<Record<Slot, number>> = { a: 2, b: 3 };

/** What the firmware takes from the file for one start. */
export interface BootChoice {
  /** Null where the file names none: the first partition that can be started from. */
  readonly partition: number | null;
  /** Whether a one-shot start reads the ordinary `config.txt` of its partition. */
  readonly isPartitionTried: boolean;
}

/** @param isTryboot whether the one-shot flag was set, which the firmware clears before it starts anything */
export function readAutoboot(text: string, isTryboot: boolean): BootChoice {
  const seen = Buffer.from(text, 'utf8').subarray(0, READ_BYTES).toString('latin1');
  let applies = true;
  let partition: number | null = null;
  let isPartitionTried = false;
  for (const line of seen.split(/\r?\n/).map((each) => each.replace(/#.*/, '').trim())) {
    const [, filter] = /^\[(.*)\]$/.exec(line) ?? [];
    if (filter !== undefined) {
      applies = passes(filter.trim().toLowerCase(), applies, isTryboot);
      continue;
    }
    const [, name, value] = /^(\w+)\s*=\s*(\d+)$/.exec(line) ?? [];
    if (!applies || name === undefined) continue;
    if (name === 'boot_partition') partition = Number(value) === 0 ? null : Number(value);
    if (name === 'tryboot_a_b') isPartitionTried = value === '1';
  }
  return { partition, isPartitionTried };
}

/** What `[none]` has closed only `[all]` opens. A filter that is not the file's closes too. */
function passes(filter: string, applies: boolean, isTryboot: boolean): boolean {
  if (filter === 'all') return true;
  if (filter === 'tryboot') return isTryboot && applies;
  return false;
}

/** The file with which an ordinary start takes a slot, and a one-shot start the other. */
export function autobootFor(slot: Slot): string {
  const other = slot === 'a' ? 'b' : 'a';
  return [
    '[all]',
    'tryboot_a_b=1',
    `boot_partition=${BOOT_PARTITIONS[slot]}`,
    '[tryboot]',
    `boot_partition=${BOOT_PARTITIONS[other]}`,
    '',
  ].join('\n');
}

/**
 * The slot that an ordinary start takes; null where the file does not say that, and that a one-shot start takes the other.
 */
export function committedIn(text: string): Slot | null {
  const [ordinary, tried] = [readAutoboot(text, false), readAutoboot(text, true)];
  const slot = slotOf(ordinary.partition);
  const other = slotOf(tried.partition);
  return slot !== null && other !== null && slot !== other && tried.isPartitionTried ? slot : null;
}

function slotOf(partition: number | null): Slot | null {
  if (partition === BOOT_PARTITIONS.a) return 'a';
  return partition === BOOT_PARTITIONS.b ? 'b' : null;
}
