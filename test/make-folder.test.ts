import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeOutputFolder } from '../src/cli/shared/output.ts';
import { makeFolder } from '../src/make-folder.ts';

describe('making a folder', () => {
  it('makes all that is missing, and leaves what is there', () => {
    const base = mkdtempSync(path.join(tmpdir(), 'make-folder-'));
    makeFolder(path.join(base, 'a/b/c'), 0o700);
    makeFolder(path.join(base, 'a/b/c'), 0o755);
    expect(statSync(path.join(base, 'a/b/c')).mode & 0o777).toBe(0o700);
    writeFileSync(path.join(base, 'file'), '');
    expect(() => makeFolder(path.join(base, 'file/below'))).toThrow(/not a directory/i);
    rmSync(base, { recursive: true });
  });

  it.skipIf(!existsSync('/proc/self'))('ends where nothing can ever be made', () => {
    expect(() => makeOutputFolder('/proc/spikescope/a', '--out')).toThrow(
      expect.objectContaining({ code: 'OUT_UNWRITABLE' }),
    );
  });
});
