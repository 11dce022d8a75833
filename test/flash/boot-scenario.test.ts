/** What carries the emulator's long scenarios: going on after a break, the office, the device's own words, the machine. */
import { execFileSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSystemArchive } from '../../src/updates/system/archive.ts';

interface State {
  readonly folder: string;
  readonly steps: readonly Record<string, unknown>[];
  value<T>(name: string, make: () => T | Promise<T>): Promise<T>;
  replace(name: string, value: unknown): void;
  done(step: Record<string, unknown>): Record<string, unknown>;
  tell(words: string): void;
}
interface Office {
  readonly anchor: string;
  readonly port: number;
  readonly workspace: { readonly targets: string };
  stick(file: string): void;
  publish(wish: { archive: string; version: string; mood: string }): Promise<void>;
  close(): void;
}
interface UpdateTopic {
  readonly words: string;
  readonly stages: Record<string, number>;
  isPending(version: string): boolean;
  isWriting(version: string): boolean;
  isTaken(version: string): boolean;
  endOf(version: string): { refused: string | null } | null;
}
interface Machine {
  readonly isOver: boolean;
  readonly processor: number;
  readonly ended: Promise<void>;
  whilePaused<T>(work: () => T): Promise<T>;
  putIn(file: string): Promise<void>;
  takeOut(): Promise<void>;
  pullPlug(): Promise<void>;
}
interface Step {
  readonly mood: string;
  readonly isSpoilt: boolean;
  readonly partition: number;
  readonly committed: number | null;
  readonly runs: string;
  readonly refused: string | null;
}
interface Scripts {
  readonly ScenarioState: new (
    folder: string,
    run: { of: object; total: number; say: (line: string) => void },
  ) => State;
  readonly Office: { open(state: State): Promise<Office> };
  readonly UpdateTopic: new (client: EventEmitter, device: string) => UpdateTopic;
  readonly Machine: new (emulated: object) => Machine;
  variantOf(wish: { archive: string; out: string; version: string; mood: string }): Promise<void>;
  problemsOf(step: Step): string[];
  missingOf(heard: ReadonlySet<string>, data: string): number;
  missingTools(): string | null;
  makeFat(wish: object): void;
  makeSystemArchive(wish: object): void;
  toolEnvironment(): NodeJS.ProcessEnv;
}
const names = ['scenario-state', 'releases', 'update-topic', 'machine', 'updating', 'pulled-plug', 'bench'];
const modules = await Promise.all([
  ...names.map((name) => import(path.resolve(`scripts/flash/boot/${name}.mjs`))),
  ...['partitions', 'system-archive', 'tools'].map(
    (name) => import(path.resolve(`scripts/flash/image/${name}.mjs`)),
  ),
]);
const scripts: Scripts = Object.assign({}, ...modules);
const { ScenarioState, Office, UpdateTopic, Machine } = scripts;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'scenario-'));
  process.env.PATH = scripts.toolEnvironment().PATH;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const fresh = () => mkdtempSync(path.join(folder, 'work-'));

function open(place: string, of: object = { scenario: 'update' }, said: string[] = []): State {
  return new ScenarioState(place, { of, total: 4, say: (line) => said.push(line) });
}

describe('the state of a scenario', () => {
  it('goes on behind the last step that was done, with the values that it had', async () => {
    const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    try {
      const place = fresh();
      const first = open(place);
      expect(await first.value('port', () => 1883)).toBe(1883);
      first.done({ what: 'one' });
      first.replace('version', '90.1.1');
      const said: string[] = [];
      const second = open(place, undefined, said);
      expect(second.steps).toMatchObject([{ step: 1, what: 'one', seconds: expect.any(Number) }]);
      expect(await second.value('port', () => 1884)).toBe(1883);
      expect(await second.value('version', () => '')).toBe('90.1.1');
      second.done({ what: 'two' });
      second.tell('and on');
      expect(said).toEqual([
        'going on behind step 1 of 4',
        expect.stringMatching(/^\[3\/4\] and on, about \d+ s left$/),
      ]);
      const lines = written.mock.calls.map(([line]) => JSON.parse(String(line)));
      expect(lines).toMatchObject([
        { step: 1, what: 'one' },
        { step: 2, what: 'two' },
      ]);
    } finally {
      written.mockRestore();
    }
  });

  it('refuses a folder of another run, or one that cannot be read', async () => {
    const place = fresh();
    await open(place).value('port', () => 1);
    expect(() => open(place, { scenario: 'plug' })).toThrow(expect.objectContaining({ code: 'BOOT_STATE' }));
    writeFileSync(path.join(place, 'state.json'), '{');
    expect(() => open(place)).toThrow(expect.objectContaining({ code: 'BOOT_STATE' }));
  });
});

describe('the device’s words of its updates', () => {
  const release = (version: string) => ({
    name: 'spikescope-system',
    version,
    installedAt: '2026-11-30T00:00:00Z',
  });
  const system = (over: object) => ({ active: null, pending: null, trial: false, refused: [], ...over });
  function heard(...updates: object[]): UpdateTopic {
    const client = new EventEmitter();
    const topic = new UpdateTopic(client, 'emulated');
    for (const each of updates)
      client.emit('message', 'spikescope/emulated/update', Buffer.from(JSON.stringify(each)));
    client.emit('message', 'spikescope/another/update', Buffer.from(JSON.stringify({ operation: null })));
    return topic;
  }
  const books = (over: object) => ({ operation: null, installed: { system: system(over) } });

  it('say that a version waits, serves or was given up, and nothing before that is settled', () => {
    expect(heard().endOf('90.0.2')).toBeNull();
    const waiting = heard(books({ pending: release('90.0.2') }));
    expect([waiting.isPending('90.0.2'), waiting.isPending('90.0.1'), waiting.endOf('90.0.2')]).toEqual([
      true,
      false,
      null,
    ]);
    expect(heard(books({ active: release('90.0.2'), trial: true })).endOf('90.0.2')).toBeNull();
    expect(heard(books({ active: release('90.0.2') })).endOf('90.0.2')).toEqual({ refused: null });
    const tried = heard(books({ active: release('90.0.2'), trial: true }));
    expect([tried.isPending('90.0.2'), tried.isTaken('90.0.2'), tried.isTaken('90.0.1')]).toEqual([
      false,
      true,
      false,
    ]);
    expect([waiting.isTaken('90.0.2'), waiting.isTaken('90.0.1')]).toEqual([true, false]);
    const refused = [{ ...release('90.0.2'), reason: '2 starts in a row failed' }];
    expect(heard(books({ active: release('90.0.1'), refused })).endOf('90.0.2')).toEqual({
      refused: '2 starts in a row failed',
    });
    expect(heard(books({ active: release('90.0.1') })).endOf('90.0.2')).toBeNull();
  });

  it('name the stages of the pull that is under way, and no other’s', () => {
    const operation = (id: string, stage: string, outcome: string | null = null) => ({
      operation: { id, stage, done: 1, of: 4, outcome, code: null, message: null },
      installed: null,
    });
    const topic = heard(operation('a', 'fetch'), operation('b', 'refresh'), operation('b', 'fetch'));
    expect(Object.keys(topic.stages)).toEqual(['refresh']);
    expect(topic.words).toBe('fetch 25 %');
    expect(Object.keys(heard(operation('b', 'fetch'), operation('b', 'fetch', 'pending')).stages)).toEqual([
      'fetch',
    ]);
    const isWriting = (...updates: object[]) => heard(...updates).isWriting('90.0.2');
    expect(['fetch', 'write', 'prove', 'activate'].map((stage) => isWriting(operation('b', stage)))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    expect(isWriting(operation('b', 'write', 'interrupted'))).toBe(false);
    expect(isWriting(books({ pending: release('90.0.2') }))).toBe(true);
  });
});

describe('what an update must lead to', () => {
  const step = { mood: 'good', isSpoilt: false, partition: 3, committed: 3, runs: '90.0.1', refused: null };
  const bad = { ...step, mood: 'panics', refused: '2 starts in a row failed' };
  it.each([step, bad, { ...bad, mood: 'good', isSpoilt: true }])('is in order: %o', (each) => {
    expect(scripts.problemsOf(each)).toEqual([]);
  });
  it.each([
    { ...step, partition: 2 },
    { ...step, committed: 2 },
    { ...step, runs: 'that of the image' },
    { ...step, refused: 'it was damaged' },
    { ...bad, refused: null },
    { ...bad, partition: 2 },
    { ...step, isSpoilt: true },
  ])('is not in order: %o', (each) => {
    expect(scripts.problemsOf(each)).toHaveLength(1);
  });
});

const makers = ['mformat', 'mcopy', 'mtype', 'mdir', 'sfdisk', 'tar'];
const isThere = (name: string) =>
  ['/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((place) => existsSync(path.join(place, name)));
describe.skipIf(!makers.every(isThere))(`an office, with ${makers.join(', ')}`, () => {
  function archive(): string {
    const place = fresh();
    const boot = path.join(place, 'boot');
    mkdirSync(boot);
    for (const slot of ['a', 'b'])
      writeFileSync(
        path.join(boot, `cmdline-${slot}.txt`),
        `spikescope.slot=${slot} spikescope.verity=${'ab'.repeat(32)}:x:1\n`,
      );
    const wish = { size: 64 * 2 ** 20, label: 'BOOT', seed: 'a', epoch: 1_700_000_000, folder: boot };
    scripts.makeFat({ ...wish, out: path.join(place, 'boot.img') });
    writeFileSync(path.join(place, 'root.img'), Buffer.alloc(8192, 7));
    const out = path.join(place, 'made.system');
    const verity = { rootHash: 'ab'.repeat(32), hashOffset: 4096 };
    scripts.makeSystemArchive({
      out,
      folder: place,
      version: '0.1.0',
      board: 'virt',
      verity,
      epoch: 1_700_000_000,
    });
    return out;
  }

  it.each([
    ['good', /^spikescope\.slot=b spikescope\.verity=(ab){32}:x:1 spikescope\.variant=90\.0\.1$/],
    ['panics', /spikescope\.verity=0{8}(ab){28}:x:1 spikescope\.variant/],
    ['ails', /systemd\.mask=spikescope\.service spikescope\.trial-minutes=1 spikescope\.variant/],
  ])('makes a whole system of another version that is %s', async (mood, words) => {
    const out = path.join(fresh(), 'variant.system');
    await scripts.variantOf({ archive: archive(), out, version: '90.0.1', mood });
    const { description, offsets } = await openSystemArchive(out);
    expect(description.version).toBe('90.0.1');
    const boot = path.join(path.dirname(out), 'boot.img');
    execFileSync('sh', [
      '-c',
      'tail -c +"$2" "$1" | head -c "$3" > "$4"',
      'cut',
      out,
      `${offsets.boot + 1}`,
      `${description.boot.size}`,
      boot,
    ]);
    expect(execFileSync('sha256sum', [boot], { encoding: 'utf8' })).toContain(description.boot.sha256);
    expect(execFileSync('mtype', ['-i', boot, '::cmdline-b.txt'], { encoding: 'utf8' }).trim()).toMatch(
      words,
    );
  });

  it('goes on with its keys, its port and what it has published, and keeps one system only', {
    timeout: 60_000,
  }, async () => {
    const [place, made] = [fresh(), archive()];
    const first = await Office.open(open(place));
    await first.publish({ archive: made, version: '90.0.1', mood: 'good' });
    first.close();
    const second = await Office.open(open(place));
    try {
      expect([second.anchor, second.port]).toEqual([first.anchor, first.port]);
      // Published as a device would take it: with other keys it would be refused.
      await second.publish({ archive: made, version: '90.0.2', mood: 'good' });
      const targets = path.join(second.workspace.targets, 'stable');
      const sizes = readdirSync(targets).map((name) => [
        name.replace(/^\w+\./, ''),
        statSync(path.join(targets, name)).size,
      ]);
      expect(Object.fromEntries(sizes)).toEqual({
        'spikescope-system-90.0.1.system': 0,
        'spikescope-system-90.0.2.system': statSync(made).size,
      });
      const answer = await fetch(`http://127.0.0.1:${second.port}/metadata/timestamp.json`);
      expect(await answer.json()).toMatchObject({ signed: { version: 3 } });
      expect(statSync(path.join(place, 'state.json')).mode & 0o077).toBe(0);
      const stick = path.join(place, 'stick.img');
      second.stick(stick);
      const listed = execFileSync('mdir', ['-/', '-b', '-i', `${stick}@@1M`, '::'], { encoding: 'utf8' });
      expect(listed).toMatch(/^::\/metadata\/timestamp\.json$/m);
      expect(listed).toMatch(/^::\/targets\/stable\/\w{64}\.spikescope-system-90\.0\.2\.system$/m);
    } finally {
      second.close();
    }
  });
});

describe('readings that have left the device', () => {
  it('are missed where the journal does not hold them', () => {
    const place = fresh();
    const words = [
      'bin/spikescope.mjs',
      'run',
      '--data',
      place,
      '--source',
      'phantom',
      '--count',
      '2',
      '--json',
    ];
    const said = execFileSync(process.execPath, words, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ids = said
      .trim()
      .split('\n')
      .map((line) => String(JSON.parse(line).id));
    expect(ids).toHaveLength(2);
    expect(scripts.missingOf(new Set(ids), place)).toBe(0);
    expect(scripts.missingOf(new Set([...ids, 'another']), place)).toBe(1);
    expect(scripts.missingOf(new Set(ids), fresh())).toBe(2);
    expect(scripts.missingOf(new Set(), fresh())).toBe(0);
  });
});

describe.skipIf(scripts.missingTools() !== null)('a machine, with QEMU', () => {
  it('stands still while its card is copied, goes on, and dies with the plug', {
    timeout: 60_000,
  }, async () => {
    const place = fresh();
    const [kernel, disk, stick] = ['kernel', 'disk', 'stick'].map((name) => path.join(place, name));
    // `b .`: a processor that does nothing but run.
    writeFileSync(kernel, Buffer.from([0, 0, 0, 0x14]));
    for (const each of [disk, stick]) writeFileSync(each, Buffer.alloc(2 ** 20));
    const start = { partition: 2, isOneShot: false, kernel, initramfs: null, commandLine: '' };
    const machine = new Machine({
      ...{
        start,
        disk,
        guest: null,
        words: '',
        console: path.join(place, 'console'),
        folder: place,
        processors: 1,
      },
    });
    await expect.poll(() => machine.processor, { timeout: 30_000 }).toBeGreaterThan(0.3);
    const [before, after] = await machine.whilePaused(() => {
      const at = machine.processor;
      execFileSync('sleep', ['1.5']);
      return [at, machine.processor];
    });
    expect(after - before).toBeLessThan(0.3);
    await delay(1);
    await expect.poll(() => machine.processor, { timeout: 30_000 }).toBeGreaterThan(after + 0.3);
    await machine.putIn(stick);
    await expect(machine.putIn(stick)).rejects.toMatchObject({ code: 'BOOT_COMMAND' });
    await machine.takeOut();
    await machine.pullPlug();
    expect(machine.isOver).toBe(true);
    await expect(machine.whilePaused(() => 0)).rejects.toMatchObject({ code: 'BOOT_ENDED' });
    expect(readFileSync(path.join(place, 'console'), 'utf8')).toBe('');
  });
});
