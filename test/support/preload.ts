import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whether objects can be made and preloaded here: Linux on 64 bits, with a compiler. */
export function canPreload(): boolean {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return false;
  try {
    execFileSync('g++', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** An object for LD_PRELOAD, compiled once for each version of its sources. @param files sources and headers */
export function preloadedObject(name: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  const folder = path.join(tmpdir(), `spikescope-${name}-${process.getuid?.() ?? 0}`);
  const object = path.join(folder, `${hash.digest('hex').slice(0, 16)}.so`);
  if (existsSync(object)) return object;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fresh = `${object}.${process.pid}`;
  const sources = files.filter((file) => file.endsWith('.cpp'));
  const options = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-shared', '-fPIC'];
  execFileSync('g++', [...options, '-o', fresh, ...sources, '-ldl']);
  renameSync(fresh, object);
  return object;
}
