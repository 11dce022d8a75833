import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '../../make-folder.ts';
import { writeFlushed } from '../../store/durable-file.ts';
import { updatesFolder } from '../trust/kept-metadata.ts';

/** A file that asks for a pull, whatever the hour; nothing is read of it but that it is there. */
function fileOf(data: string): string {
  return path.join(updatesFolder(data), 'wanted');
}

export function isWished(data: string): boolean {
  return existsSync(fileOf(data));
}

/** Asks whoever watches for the file to start a pull. */
export async function wish(data: string): Promise<void> {
  makeFolder(updatesFolder(data), 0o700);
  await writeFlushed(fileOf(data), '');
}

/** Takes the wish away, before it is done: one that comes meanwhile is another. @returns whether there was one */
export async function takeWish(data: string): Promise<boolean> {
  const isThere = isWished(data);
  if (isThere) await rm(fileOf(data), { force: true });
  return isThere;
}
