import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Check, Finding } from './check.ts';

const part = 'medium';
/** Of a device register that says in tenths how much of the planned life is used up (JESD84-B51, 7.4.37). */
const USED_UP = 0x0a;
/** The same register of reserve blocks: 1 normal, 2 warns, 3 is urgent. */
const NORMAL = 1;

interface Mount {
  readonly device: string;
  readonly isReadOnly: boolean;
  readonly type: string;
  readonly source: string;
}

/** The medium under the data folder: what its file system has counted, and what it says of its own life, if anything. */
export const checkMedium: Check = async ({ root = '/', sys, dataFolder }) => {
  const mount = await mountOf(path.join(root, 'proc/self/mountinfo'), dataFolder);
  if (mount === null || !mount.source.startsWith('/dev/')) {
    return { part, state: 'absent', detail: 'no block device of its own under the data folder' };
  }
  const name = path.basename(mount.source);
  const read = (...names: string[]) => wordsOf(path.join(sys, ...names));
  const errors = Number((await read('fs', mount.type, name, 'errors_count')) ?? 0);
  const written = await read('fs', mount.type, name, 'lifetime_write_kbytes');
  const card = path.join('dev/block', mount.device, '../device');
  const [model, life, reserve] = await Promise.all(
    ['name', 'life_time', 'pre_eol_info'].map((file) => read(card, file)),
  );
  const detail = [
    `${mount.type} on ${name}${model === null ? '' : `, ${model}`}`,
    ...(written === null ? [] : [`${(Number(written) / 1e6).toFixed(1)} GB written since it was made`]),
    life === null ? 'it does not tell how worn it is' : `life used up: ${life} (tenths, hexadecimal)`,
  ].join('; ');
  return { part, detail, ...judged({ isReadOnly: mount.isReadOnly, errors, life, reserve }) };
};

function judged(seen: {
  isReadOnly: boolean;
  errors: number;
  life: string | null;
  reserve: string | null;
}): Pick<Finding, 'state' | 'remedy'> {
  if (seen.isReadOnly) {
    return {
      state: 'broken',
      remedy: 'it is mounted read-only: the file system met errors; replace the card',
    };
  }
  if (seen.errors > 0) {
    return {
      state: 'broken',
      remedy: `the file system has counted ${seen.errors} errors: export the journal, and replace the card`,
    };
  }
  const tenths = (seen.life ?? '').split(/\s+/).map((each) => Number.parseInt(each, 16) || 0);
  if (Math.max(...tenths) >= USED_UP || Number.parseInt(seen.reserve ?? '1', 16) > NORMAL) {
    return { state: 'broken', remedy: 'it says that it is worn out: replace it before it fails' };
  }
  return { state: 'works' };
}

/** The mount with the longest path above a folder. */
async function mountOf(mountinfo: string, folder: string): Promise<Mount | null> {
  const text = await readFile(mountinfo, 'utf8').catch(() => '');
  const mounts = text.split('\n').flatMap((line) => {
    // Fields up to a dash, of which there is a varying number, then type and source (proc(5)).
    const [fields = '', rest = ''] = line.split(' - ');
    const [, , device, , place, options] = fields.split(' ');
    const [type, source, superOptions = ''] = rest.split(' ');
    if (place === undefined || !isBelow(folder, place)) return [];
    const isReadOnly = [options, superOptions].some((each) => each?.split(',').includes('ro'));
    return [{ place, device, isReadOnly, type, source }];
  });
  mounts.sort((one, other) => one.place.length - other.place.length);
  // Of several at one place the last covers the others, which a stable sort keeps last.
  return mounts.at(-1) ?? null;
}

function isBelow(folder: string, place: string): boolean {
  return folder === place || folder.startsWith(place.endsWith('/') ? place : `${place}/`);
}

async function wordsOf(file: string): Promise<string | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  return text?.trim() || null;
}
