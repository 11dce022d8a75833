/**
 * A real image in an emulator. `SPIKESCOPE_IMAGE` names one of the board `virt`, with its archive beside it; scenarios are
 * `SPIKESCOPE_BOOT_SCENARIOS` (default `reading`; the night adds `plug` with `SPIKESCOPE_KILLS` kills and `update`).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const IMAGE = process.env.SPIKESCOPE_IMAGE ?? '';
const SCENARIOS = (process.env.SPIKESCOPE_BOOT_SCENARIOS ?? 'reading').split(',');
const KILLS = Number(process.env.SPIKESCOPE_KILLS ?? 3);
const { missingTools }: { missingTools(): string | null } = await import(
  path.resolve('scripts/flash/boot/bench.mjs')
);
const isPossible = existsSync(IMAGE) && missingTools() === null;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'boot-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function boot(scenario: string, ...options: string[]) {
  const json = path.join(folder, `${scenario}.json`);
  const program = [
    'scripts/flash/boot.mjs',
    '--image',
    IMAGE,
    '--scenario',
    scenario,
    '--json',
    json,
    ...options,
  ];
  const { status, stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
  process.stdout.write(stderr);
  expect(status, stderr).toBe(0);
  return JSON.parse(readFileSync(json, 'utf8'));
}

describe.skipIf(!isPossible)('an image under QEMU, which SPIKESCOPE_IMAGE names', () => {
  it.skipIf(!SCENARIOS.includes('reading'))(
    'comes to its first reading by itself',
    { timeout: 3_600_000 },
    () => {
      expect(boot('reading').readings).toBeGreaterThanOrEqual(100);
    },
  );

  it.skipIf(!SCENARIOS.includes('plug'))(
    `is whole after ${KILLS} pulled plugs`,
    { timeout: 600_000 * (KILLS + 2) },
    () => {
      expect(boot('plug', '--kills', String(KILLS)).kills).toHaveLength(KILLS);
    },
  );

  it.skipIf(!SCENARIOS.includes('update'))(
    'ends in the right system after each update',
    { timeout: 14_400_000 },
    () => {
      expect(boot('update').steps.map(({ partition }: { partition: number }) => partition)).toEqual([
        3, 3, 3, 3,
      ]);
    },
  );
});
