/** How the step of `.ci/run` that builds and starts an image comes to its end, whatever hangs; with real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

interface Verdict {
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly name: string;
}
interface Steps {
  obstacle(): string | null;
  begin(folder: string): number;
  end(group: number): void;
  isNetworkThere(): boolean;
  boot(image: string, seconds: number): { isGood: boolean; said: string };
}
interface Scripts {
  testImage(
    wish: { folder: string; begun: number | null; until: number; say: (text: string) => void },
    steps: Steps,
  ): Promise<Verdict[]>;
  isNetworkThere(questions: readonly (readonly string[])[]): boolean;
  readonly BOOT_SECONDS: number;
}
const { testImage, isNetworkThere, BOOT_SECONDS }: Scripts = await import(
  path.resolve('scripts/test-image.mjs')
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'test-image-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Seconds of which more than those for a start are left. */
const TIME = BOOT_SECONDS + 2;

/** A run of the step in which building is a line of a shell. */
async function run(line: string, over: Partial<Steps> = {}, seconds = TIME) {
  const place = mkdtempSync(path.join(folder, 'run-'));
  const [begun, booted]: [ChildProcess[], string[]] = [[], []];
  const steps: Steps = {
    obstacle: () => null,
    begin: (inner) => {
      const child = spawn('sh', ['-c', line], { cwd: inner, detached: true, stdio: 'ignore' });
      begun.push(child);
      return child.pid ?? 0;
    },
    end: (group) => {
      try {
        process.kill(-group, 'SIGKILL');
      } catch {}
    },
    isNetworkThere: () => true,
    boot: (image) => {
      booted.push(path.basename(image));
      return { isGood: true, said: '' };
    },
    ...over,
  };
  const verdicts = await testImage(
    { folder: place, begun: null, until: Date.now() + seconds * 1000, say: () => {} },
    steps,
  );
  return {
    outcomes: verdicts.map(({ outcome }) => outcome),
    names: verdicts.map(({ name }) => name),
    begun,
    booted,
  };
}
const BUILT = 'echo image > virt.img; printf 0 > build.ended';

it('passes where an image is built and starts', async () => {
  const { outcomes, booted } = await run(BUILT);
  expect({ outcomes, booted }).toEqual({ outcomes: ['passed', 'passed'], booted: ['virt.img'] });
});

it('fails where the image does not start, or is none', async () => {
  expect((await run(BUILT, { boot: () => ({ isGood: false, said: 'no reading' }) })).outcomes).toEqual([
    'passed',
    'failed',
  ]);
  expect((await run('printf 0 > build.ended')).outcomes).toEqual(['failed', 'skipped']);
});

it('ends what hangs in time, as failed where the network is there and as skipped where it is not', async () => {
  const hung = await run('sleep 600');
  expect(hung.outcomes).toEqual(['failed', 'skipped']);
  await expect.poll(() => hung.begun.map(({ signalCode }) => signalCode)).toEqual(['SIGKILL']);
  const away = await run('sleep 600', { isNetworkThere: () => false });
  expect({ outcomes: away.outcomes, booted: away.booted }).toEqual({
    outcomes: ['skipped', 'skipped'],
    booted: [],
  });
  expect(away.names[0]).toContain('the network cannot be reached');
});

it('builds once more, alone, what failed beside others, where there is time for it', async () => {
  const second = `if [ -e first ]; then ${BUILT}; else touch first; printf 1 > build.ended; fi`;
  const begin: Steps['begin'] = (inner) => {
    rmSync(path.join(inner, 'build.ended'), { force: true });
    return spawn('sh', ['-c', second], { cwd: inner, detached: true, stdio: 'ignore' }).pid ?? 0;
  };
  expect((await run(second, { begin }, 1_000)).outcomes).toEqual(['passed', 'passed']);
  expect((await run(second, { begin })).outcomes).toEqual(['failed', 'skipped']);
});

it('is skipped by name where programs are missing or no time is left', async () => {
  const missing = await run(BUILT, { obstacle: () => 'programs are missing: qemu-system-aarch64' });
  expect(missing.names).toEqual([
    'an image is built: programs are missing: qemu-system-aarch64',
    'it starts to its first reading without a hand: programs are missing: qemu-system-aarch64',
  ]);
  expect((await run(BUILT, {}, 100)).names[0]).toMatch(/an image is built: \d+ s are left/);
});

it('asks programs whether the network is there', () => {
  const file = path.join(folder, 'script');
  writeFileSync(file, 'exit "$1"\n');
  expect(isNetworkThere([['sh', file, '0']])).toBe(true);
  expect(
    isNetworkThere([
      ['sh', file, '0'],
      ['sh', file, '1'],
    ]),
  ).toBe(false);
  expect(isNetworkThere([['a-program-that-is-not-here']])).toBe(true);
});
