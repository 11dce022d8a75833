import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whether this process may mount: only root, and in containers often nobody. */
export function canMount(): boolean {
  if (process.getuid?.() !== 0) return false;
  const probe = mkdtempSync(path.join(tmpdir(), 'mount-'));
  try {
    mountSmallDisk(probe, '64k')();
    return true;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/** A disk of a few bytes in place of a folder. @param size as `mount` takes it. @returns what takes it away again */
export function mountSmallDisk(folder: string, size: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder], { stdio: 'ignore' });
  return () => execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });
}

export interface Medium {
  /** From now on it takes and gives nothing any more. */
  die(): void;
  remove(): void;
}

/** Of a medium that can die. */
const MEDIUM_BYTES = 128 * 2 ** 20;

/** A medium with ext4 in place of a folder, as a card is one. @param image a file that stands for its cells */
export function mountMedium(folder: string, image: string): Medium {
  const run = (program: string, ...words: string[]) =>
    execFileSync(program, words, { encoding: 'utf8' }).trim();
  writeFileSync(image, '');
  truncateSync(image, MEDIUM_BYTES);
  run('mkfs.ext4', '-q', image);
  const device = run('losetup', '-f', '--show', image);
  run('mount', '-t', 'ext4', device, folder);
  return {
    die() {
      truncateSync(image, 4096);
      run('losetup', '-c', device);
    },
    remove() {
      run('umount', '--lazy', folder);
      run('losetup', '-d', device);
      rmSync(image, { force: true });
    },
  };
}

/** Makes what is mounted there read-only. */
export function makeReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
}

/** Takes all the room that is left on a disk. */
export function fillUp(file: string): void {
  for (const piece of [65_536, 4096, 1]) {
    try {
      for (;;) appendFileSync(file, Buffer.alloc(piece));
    } catch {
      // Smaller pieces may still fit.
    }
  }
}
