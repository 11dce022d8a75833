import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nativeLoader } from '../../../src/training/data/native.ts';

describe('without the native loader', () => {
  let said: string[];

  beforeEach(() => {
    said = [];
    vi.resetModules();
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('says so once, and how to mend it', async () => {
    vi.stubEnv('SPIKESCOPE_DATA_LOADER', '/nowhere/loader.node');
    const fresh = await import('../../../src/training/data/native.ts');
    expect(fresh.nativeLoader()).toBeNull();
    expect(fresh.nativeLoader()).toBeNull();
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/not built.*TypeScript.*npm run build/s);
  });

  it('takes a file that does not load for a missing one', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'loader-'));
    try {
      const file = path.join(folder, 'loader.node');
      await writeFile(file, 'no library');
      vi.stubEnv('SPIKESCOPE_DATA_LOADER', file);
      const fresh = await import('../../../src/training/data/native.ts');
      expect(fresh.nativeLoader()).toBeNull();
      expect(said).toHaveLength(1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe.skipIf(nativeLoader() === null)('a mapped file', () => {
  it('holds the file’s bytes, keeps what is written to itself, and outlives the file’s name', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'mapped-'));
    const file = path.join(folder, 'bytes');
    await writeFile(file, 'pixels');
    const mapped = nativeLoader()?.mapFile(file);
    const again = nativeLoader()?.mapFile(file);
    await rm(folder, { recursive: true });
    expect(Buffer.from(mapped ?? []).toString()).toBe('pixels');
    mapped?.fill(0);
    expect(Buffer.from(again ?? []).toString()).toBe('pixels');
  });

  it('refuses what cannot be mapped', () => {
    expect(() => nativeLoader()?.mapFile('/nowhere/at/all')).toThrow('open: No such file');
    expect(() => nativeLoader()?.mapFile('/dev/null')).toThrow('mmap');
    expect(() => nativeLoader()?.mapFile(tmpdir())).toThrow();
  });
});
