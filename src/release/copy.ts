import { readdirSync, statSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, SpikescopeError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { replaceDurably } from '../store/durable-file.ts';
import type { Workspace } from './workspace.ts';

/**
 * Copies what is published onto a stick or into a server's folder, which then carries it whole, with every root. The
 * timestamp comes last: a copy that was interrupted is the older state, or none.
 * @returns how many files were copied; those that are there already are not copied again
 * @throws SpikescopeError `COPY_UNWRITABLE`
 */
export async function copyTo(workspace: Workspace, folder: string): Promise<number> {
  const names = readdirSync(workspace.public, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.tmp'))
    .map((entry) => path.relative(workspace.public, path.join(entry.parentPath, entry.name)));
  const timestamp = path.join('metadata', 'timestamp.json');
  // A target or a version never changes under its name.
  const missing = names.filter((name) => name !== timestamp && !isThere(workspace, folder, name));
  const ordered = [
    ...missing.filter((name) => name.startsWith('targets')),
    ...missing.filter((name) => !name.startsWith('targets')),
  ];
  for (const name of [...ordered, timestamp]) await copyOne(workspace, folder, name);
  return ordered.length + 1;
}

function isThere(workspace: Workspace, folder: string, name: string): boolean {
  const there = statSync(path.join(folder, name), { throwIfNoEntry: false });
  return there?.isFile() === true && there.size === statSync(path.join(workspace.public, name)).size;
}

async function copyOne(workspace: Workspace, folder: string, name: string): Promise<void> {
  const file = path.join(folder, name);
  try {
    makeFolder(path.dirname(file));
    await replaceDurably(file, `${file}.tmp`, (fresh) =>
      copyFlushed(path.join(workspace.public, name), fresh),
    );
  } catch (cause) {
    throw new SpikescopeError('COPY_UNWRITABLE', 'The copy of the repository cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space there',
      cause,
    });
  }
}

async function copyFlushed(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const handle = await open(to, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
