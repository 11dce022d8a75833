import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../../errors.ts';

/** Where a device has what makes it this very device. */
export interface Places {
  /** The partition on which a technician leaves a setup and finds reports. */
  readonly partition: string;
  /** Settings and certificates of the appliance. */
  readonly settings: string;
  /** What root alone may read: passwords of networks, the record of the first start. */
  readonly system: string;
  /** State of the appliance: journal and identity. */
  readonly data: string;
  /** The appliance's user; null where files stay whose they are. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** What the board calls itself; null where it does not. */
  readonly board: string | null;
  /** Serial number of the board, hexadecimal; null where it has none. */
  readonly serial: string | null;
  /** A root of updates that came with the image; null without one. */
  readonly imageRoot: string | null;
}

/** What the device tree says of the board. */
export function boardFacts(tree = '/proc/device-tree'): Pick<Places, 'board' | 'serial'> {
  const read = (name: string): string | null => {
    try {
      return readFileSync(path.join(tree, name), 'latin1').replaceAll('\0', '').trim() || null;
    } catch {
      return null;
    }
  };
  const serial = read('serial-number');
  return {
    board: read('model'),
    serial: serial !== null && /^[0-9a-f]{8,32}$/i.test(serial) ? serial : null,
  };
}

/** Node has no way of its own from a name to its numbers. @throws UsageError `OPTION_VALUE` */
export function userNumbers(name: string, passwd = '/etc/passwd'): { uid: number; gid: number } {
  const line = readFileSync(passwd, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (/^\d+$/.test(uid ?? '') && /^\d+$/.test(gid ?? '')) return { uid: Number(uid), gid: Number(gid) };
  throw new UsageError('OPTION_VALUE', 'There is no such user', {
    field: '--owner',
    expected: 'a user of this system',
    received: name,
  });
}
