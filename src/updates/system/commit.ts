import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, SpikescopeError } from '../../errors.ts';
import { replaceDurably, writeFlushed } from '../../store/durable-file.ts';
import type { Slot } from '../install/contract.ts';
import { autobootFor } from './autoboot.ts';
import { AUTOBOOT, committedSlot, type SystemPlaces } from './places.ts';

/**
 * Has ordinary starts take a slot. The file is written beside the old one, flushed, read again and only then given its
 * name: on
 * a FAT that is one sector of its folder, so that with the power cut anywhere the firmware finds the old file or the new.
 * @returns whether it was another slot before
 * @throws SpikescopeError `BOOT_CONFIGURATION`
 */
export async function commitSlot(places: SystemPlaces, slot: Slot): Promise<boolean> {
  if ((await committedSlot(places)) === slot) return false;
  const file = path.join(places.config, AUTOBOOT);
  const fresh = `${file}.new`;
  const text = autobootFor(slot);
  try {
    await rm(fresh, { force: true });
    await replaceDurably(file, fresh, async () => {
      await writeFlushed(fresh, text, 0o644);
      if ((await readFile(fresh, 'utf8')) !== text)
        throw new Error('it reads back otherwise than it was written');
    });
  } catch (cause) {
    throw unwritten(file, reasonOf(cause), cause);
  }
  if ((await committedSlot(places)) !== slot) throw unwritten(file, 'another slot in it');
  return true;
}

function unwritten(file: string, received: string, cause?: unknown): SpikescopeError {
  return new SpikescopeError('BOOT_CONFIGURATION', 'Which system the device starts from cannot be changed', {
    file,
    received,
    remedy: 'check that its partition is mounted, and can be written',
    ...(cause !== undefined && { cause }),
  });
}
