/** The driver's files in /dev, and who may open them. */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import type { MachineFiles } from './machine-files.ts';

const NODE = /^(akida\d+|akd1500_\d+)$/;

export interface CardNode {
  /** For example `/dev/akida0`. */
  readonly path: string;
  /** Permissions, for example 0o660. */
  readonly mode: number;
  /** Name, or the number where the system has no name for it. */
  readonly group: string;
  /** Whether this process may read and write it. */
  readonly isOpenable: boolean;
}

export async function cardNodes(files: MachineFiles): Promise<CardNode[]> {
  const names = (await files.names('dev')).filter((name) => NODE.test(name));
  const groups = await files.text('etc/group');
  const nodes = await Promise.all(
    names.map(async (name): Promise<CardNode[]> => {
      const place = files.at(`dev/${name}`);
      const status = await stat(place).catch(() => null);
      if (status === null) return [];
      const isOpenable = await access(place, constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      );
      const group = nameOf(groups ?? '', status.gid);
      return [{ path: `/dev/${name}`, mode: status.mode & 0o777, group, isOpenable }];
    }),
  );
  return nodes.flat();
}

/** @param groups as in /etc/group */
function nameOf(groups: string, id: number): string {
  const line = groups.split('\n').find((each) => each.split(':')[2] === String(id));
  return line?.split(':')[0] ?? String(id);
}
