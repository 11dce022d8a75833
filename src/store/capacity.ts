import { statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import { SpikescopeError } from '../errors.ts';

/** How much of the disk the journal may take, in bytes. */
export interface Capacity {
  /**
   * Kept free for what must still be written when no more results are taken: the acknowledgements that empty the
   * outbox, and documents.
   */
  readonly reserve: number;
  /** With less than this above the reserve, an alarm is due. */
  readonly alarm: number;
  /** Size of the journal at most, log included. */
  readonly maximum: number;
}

const MIB = 2 ** 20;
export const DEFAULT_CAPACITY: Capacity = { reserve: 16 * MIB, alarm: 128 * MIB, maximum: Infinity };

/** `full`: no result is taken any more. A result takes about 2 kB. */
export type StorageLevel = 'ample' | 'low' | 'full';

export interface StorageState {
  readonly level: StorageLevel;
  /** Bytes that results may still take; never below 0. */
  readonly headroom: number;
  /** Bytes of the journal with its log. */
  readonly size: number;
}

/** What the journal may still take: the rest of its own share or of the disk, whichever is less. */
export function storageState(file: string, { reserve, alarm, maximum }: Capacity): StorageState {
  const { bavail, bsize } = statfsSync(path.dirname(file));
  const size = sizeOf(file) + sizeOf(`${file}-wal`);
  const headroom = Math.max(0, Math.min(bavail * bsize, maximum - size) - reserve);
  return {
    level: headroom === 0 && reserve > 0 ? 'full' : headroom < alarm ? 'low' : 'ample',
    headroom,
    size,
  };
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** Refuses a result while there is still room to say so and to send what waits. @throws SpikescopeError `JOURNAL_FULL` */
export function requireRoom(file: string, capacity: Capacity): void {
  const { level, size } = storageState(file, capacity);
  if (level !== 'full') return;
  throw new SpikescopeError('JOURNAL_FULL', 'The journal has no room for another result', {
    file,
    expected: `${capacity.reserve} bytes free beside a journal of ${
      capacity.maximum === Infinity ? 'any size' : `at most ${capacity.maximum} bytes`
    }`,
    received: `a journal of ${size} bytes and less than that free`,
    remedy: 'free space on its disk; what waits is still sent',
  });
}

/** Whether something could not be recorded for want of room, which may come back: nothing is broken. */
export function isNoRoom(error: unknown): boolean {
  return (
    error instanceof SpikescopeError && (error.code === 'JOURNAL_FULL' || error.code === 'JOURNAL_DISK_FULL')
  );
}
