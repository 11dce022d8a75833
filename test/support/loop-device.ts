/** Block devices made of files, where the system lets this user make some. */
import { execFileSync, spawnSync } from 'node:child_process';

/** False without the right to, or without the program: tests that need one are skipped by name. */
export const hasLoopDevices =
  process.getuid?.() === 0 && spawnSync('losetup', ['--find'], { stdio: 'ignore' }).status === 0;

export interface LoopDevice {
  /** Such as /dev/loop0. */
  readonly path: string;
  detach(): void;
}

/** @param options further ones of losetup, such as `--read-only`, `--partscan` */
export function attachLoop(file: string, ...options: string[]): LoopDevice {
  const found = execFileSync('losetup', ['--find', '--show', ...options, file], { encoding: 'utf8' });
  const path = found.trim();
  return { path, detach: () => void spawnSync('losetup', ['--detach', path], { stdio: 'ignore' }) };
}
