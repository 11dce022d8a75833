import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
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
