import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { chmod, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemCodeOf } from '../../errors.ts';
import { replaceDurably, writeFlushed } from '../../store/durable-file.ts';
import { commitSlot } from './commit.ts';
import {
  AUTOBOOT,
  committedSlot,
  REQUESTS,
  type Request,
  requestFile,
  runningSlot,
  type SystemPlaces,
} from './places.ts';

/** Bytes of a request at most. */
const REQUEST_BYTES = 16;
/** What is written to the console before a one-shot start: an emulator has no firmware that keeps the flag. */
export const TRYBOOT_LINE = 'spikescope: tryboot requested';

/** What only the system's administrator may do. */
export interface Rights {
  /** Makes the partition with `autoboot.txt` writable while `work` goes on. */
  withWritable(folder: string, work: () => Promise<void>): Promise<void>;
  /** @param argument for the firmware; null for an ordinary restart */
  restart(argument: string | null): Promise<void>;
}

export interface CarryOutOptions {
  readonly data: string;
  readonly places: SystemPlaces;
  readonly rights: Rights;
  /** Folder of the copy of `autoboot.txt` that all may read. */
  readonly shown: string;
}

/**
 * Carries out what the appliance has asked of the boot configuration. Nothing that it could write there has a device start
 * from anything else than its own two slots, and only the slot that runs is ever committed.
 * @returns what was carried out; null where nothing that is known was asked for
 * @throws SpikescopeError `BOOT_CONFIGURATION`
 */
export async function carryOut({ data, places, rights, shown }: CarryOutOptions): Promise<Request | null> {
  const asked = await takeRequest(requestFile(data));
  const running = runningSlot(places);
  if (asked === null || running === null) return null;
  if (asked === 'commit') {
    await rights.withWritable(places.config, async () => void (await commitSlot(places, running)));
    await show(places, shown);
  } else await rights.restart(asked === 'tryboot' ? '0 tryboot' : null);
  return asked;
}

/** Its text alone: the mode of a file on that partition is that of a partition which only root may read. */
async function show({ config }: SystemPlaces, shown: string): Promise<void> {
  const file = path.join(shown, AUTOBOOT);
  const text = await readFile(path.join(config, AUTOBOOT));
  await replaceDurably(file, `${file}.new`, async (fresh) => {
    await writeFlushed(fresh, text);
    await chmod(fresh, 0o644);
  });
}

/**
 * A system that was started once, and is not committed when its time is over, gives way to the one that ordinary starts
 * take.
 * @returns whether a restart was begun
 */
export async function endTrial({
  places,
  rights,
}: Omit<CarryOutOptions, 'data' | 'shown'>): Promise<boolean> {
  const [running, committed] = [runningSlot(places), await committedSlot(places)];
  if (running === null || committed === null || running === committed) return false;
  await rights.restart(null);
  return true;
}

/** Takes the request away before it is done: one that comes meanwhile is another. Links are not followed. */
async function takeRequest(file: string): Promise<Request | null> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(REQUEST_BYTES), 0, REQUEST_BYTES, 0);
      const text = buffer.toString('latin1', 0, bytesRead).trim();
      return REQUESTS.find((each) => each === text) ?? null;
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    if (systemCodeOf(error) === 'ELOOP') return null;
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

/** Those of a process that has them, with the system's own programs. */
export function ownRights(): Rights {
  const run = promisify(execFile);
  return {
    withWritable: async (folder, work) => {
      await run('mount', ['-o', 'remount,rw', folder]);
      try {
        await work();
      } finally {
        await run('mount', ['-o', 'remount,ro', folder]);
      }
    },
    restart: async (argument) => {
      if (argument !== null) await writeFile('/dev/console', `${TRYBOOT_LINE}\n`).catch(() => {});
      await run('systemctl', ['reboot', ...(argument === null ? [] : [`--reboot-argument=${argument}`])]);
    },
  };
}
