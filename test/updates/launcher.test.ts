/** The launcher, as a process of its own, with applications that are a few lines each. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TREE_MARKER } from '../../src/updates/install/application-tree.ts';

let folder: string;
let data: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'launcher-'));
  data = path.join(folder, 'data');
  mkdirSync(path.join(folder, 'factory/bin'), { recursive: true });
  copyFileSync('bin/spikescope-launch.mjs', path.join(folder, 'factory/bin/spikescope-launch.mjs'));
  writeFileSync(path.join(folder, 'factory/bin/spikescope.mjs'), program('factory'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that says who it is and what it was told, and ends as it is asked to. */
const program = (name: string, end = 'process.exitCode = 0') =>
  `console.log(JSON.stringify({ name: ${JSON.stringify(name)}, args: process.argv.slice(2), slot: process.env.SPIKESCOPE_SLOT, pid: process.pid }));${end};`;
const FAILS = 'process.exitCode = 1';
const CRASHES = "process.kill(process.pid, 'SIGKILL')";

const HASHES = { a: 'a'.repeat(64), b: 'b'.repeat(64) };
type Slot = 'a' | 'b';

function install(slot: Slot, content = program(slot)): void {
  const bin = path.join(data, `updates/slots/application-${slot}/bin`);
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, 'spikescope.mjs'), content);
  writeFileSync(path.join(bin, '..', TREE_MARKER), '{}');
}

const occupant = (slot: Slot) => ({
  target: `stable/spikescope-${slot}.tar.br`,
  version: `1.0.0+${slot}`,
  hash: HASHES[slot],
  refused: null as string | null,
  confirmedAt: '2026-01-01T00:00:00.000Z' as string | null,
});
const trialOf = (slot: Slot, previous: Slot | null, starts: number) => ({
  slot,
  previous,
  starts,
  captures: 3,
  since: '2026-01-01T00:00:00.000Z',
});
const NOTHING = {
  active: null,
  slots: { a: null, b: null },
  pending: null,
  trial: null,
  confirmed: [],
  refusals: [],
};
const BOTH = { a: occupant('a'), b: occupant('b') };

const stateFile = () => path.join(data, 'updates/installed.json');
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

function write(application: object): void {
  const content = JSON.stringify({
    schema: 'spikescope/installed/1',
    revision: 7,
    model: { ...NOTHING, kept: 'as it is' },
    application: { ...NOTHING, ...application },
    configuration: NOTHING,
  });
  mkdirSync(path.dirname(stateFile()), { recursive: true });
  writeFileSync(stateFile(), JSON.stringify({ sha256: digest(content), content }));
}

function state() {
  const { sha256, content } = z
    .object({ sha256: z.string(), content: z.string() })
    .parse(JSON.parse(readFileSync(stateFile(), 'utf8')));
  expect(digest(content)).toBe(sha256);
  return JSON.parse(content);
}

function launch(args: readonly string[] = ['run'], environment: NodeJS.ProcessEnv = {}) {
  const { status, signal, stdout, stderr, pid } = spawnSync(
    process.execPath,
    [path.join(folder, 'factory/bin/spikescope-launch.mjs'), ...args, '--data', data],
    { encoding: 'utf8', env: { ...process.env, ...environment } },
  );
  const told = stdout === '' ? null : JSON.parse(stdout);
  return { status, signal, stderr, told, isSameProcess: told?.pid === pid, name: told?.name };
}

describe('the launcher', () => {
  it('starts what came with the program where nothing is installed, and hands on words, exit code and process', () => {
    const found = launch(['run', '--count', '1']);
    expect(found).toMatchObject({ status: 0, name: 'factory', isSameProcess: true, stderr: '' });
    expect(found.told).toMatchObject({ args: ['run', '--count', '1', '--data', data], slot: 'factory' });
    expect(existsSync(data)).toBe(false);
  });

  it('finds the data folder as the program does', () => {
    install('a');
    write({ active: 'a', slots: BOTH });
    const { stdout } = spawnSync(
      process.execPath,
      [path.join(folder, 'factory/bin/spikescope-launch.mjs'), 'run'],
      {
        encoding: 'utf8',
        env: { ...process.env, XDG_STATE_HOME: folder },
      },
    );
    expect(JSON.parse(stdout).name).toBe('factory');
    mkdirSync(path.join(folder, 'spikescope'));
    rmSync(path.join(folder, 'spikescope'), { recursive: true });
    spawnSync('cp', ['-r', data, path.join(folder, 'spikescope')]);
    const again = spawnSync(
      process.execPath,
      [path.join(folder, 'factory/bin/spikescope-launch.mjs'), 'run'],
      {
        encoding: 'utf8',
        env: { ...process.env, XDG_STATE_HOME: folder },
      },
    );
    expect(JSON.parse(again.stdout).name).toBe('a');
  });

  it.each([
    ['empty', ''],
    ['cut off', '{"sha256":"'],
    ['of another digest', JSON.stringify({ sha256: '0'.repeat(64), content: '{}' })],
    ['of another schema', JSON.stringify({ sha256: digest('{"schema":"x"}'), content: '{"schema":"x"}' })],
    ['of no JSON within', JSON.stringify({ sha256: digest('x'), content: 'x' })],
    ['null', 'null'],
  ])('starts what came with the program where the state is %s, and leaves it', (_, text) => {
    install('a');
    mkdirSync(path.dirname(stateFile()), { recursive: true });
    writeFileSync(stateFile(), text);
    expect(launch()).toMatchObject({ status: 0, name: 'factory' });
    expect(readFileSync(stateFile(), 'utf8')).toBe(text);
  });

  it.each([
    ['a slot that nothing is in', { active: 'a' }],
    ['a slot that there is not', { active: '../../evil', slots: BOTH }],
    ['a refused one', { active: 'a', slots: { ...BOTH, a: { ...occupant('a'), refused: 'bad' } } }],
    ['a trial of another slot', { active: 'a', slots: BOTH, trial: trialOf('b', null, 0) }],
    ['one that waits and is in use', { active: 'a', slots: BOTH, pending: 'a' }],
    [
      'one that waits during a trial',
      { active: 'a', slots: BOTH, pending: 'b', trial: trialOf('a', null, 0) },
    ],
  ])('starts what came with the program where the state names %s', (_, application) => {
    install('a');
    install('b');
    write(application);
    expect(launch()).toMatchObject({ status: 0, name: 'factory' });
  });

  it('starts what is in use and confirmed without writing anything', () => {
    install('a');
    write({ active: 'a', slots: BOTH });
    const before = readFileSync(stateFile(), 'utf8');
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
    expect(readFileSync(stateFile(), 'utf8')).toBe(before);
  });

  it('begins what waits: in use, on trial, its start counted before it is loaded, and no more once it ended in order', () => {
    install('a');
    install('b', program('b', CRASHES));
    write({ active: 'a', slots: BOTH, pending: 'b' });
    expect(launch()).toMatchObject({ signal: 'SIGKILL', name: 'b' });
    expect(state()).toMatchObject({
      revision: 9,
      model: { kept: 'as it is' },
      application: {
        active: 'b',
        pending: null,
        trial: { slot: 'b', previous: 'a', starts: 1, captures: 0 },
      },
    });
    install('b');
    expect(launch()).toMatchObject({ status: 0, name: 'b' });
    expect(state().application.trial).toMatchObject({ starts: 0 });
  });

  it.each([
    ['ends with an error', FAILS],
    ['is killed', CRASHES],
    ['throws', 'throw new Error("broken")'],
    ['is no program', '}{'],
  ])('goes back after two starts in a row of what %s, and never tries it again', (_, end) => {
    install('a');
    install('b', program('b', end));
    write({ active: 'a', slots: BOTH, pending: 'b' });
    expect(launch().status).not.toBe(0);
    expect(launch().status).not.toBe(0);
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
    expect(state().application).toMatchObject({
      active: 'a',
      trial: null,
      slots: { b: { refused: '2 starts in a row failed' } },
      refusals: [{ hash: HASHES.b, reason: '2 starts in a row failed' }],
    });
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
  });

  it('goes back to what came with the program where nothing else was before', () => {
    install('a', program('a', FAILS));
    write({ slots: { a: { ...occupant('a'), confirmedAt: null }, b: null }, pending: 'a' });
    expect([launch().status, launch().status]).toEqual([1, 1]);
    expect(launch()).toMatchObject({ status: 0, name: 'factory' });
  });

  it('counts failed starts only in a row', () => {
    install('a');
    install('b', program('b', 'process.exitCode = Number(process.env.END)'));
    write({ active: 'a', slots: BOTH, pending: 'b' });
    const ends = ['1', '0', '1', '0', '1', '1'].map((END) => launch(['run'], { END }).name);
    expect(ends).toEqual(['b', 'b', 'b', 'b', 'b', 'b']);
    expect(launch(['run'], { END: '0' }).name).toBe('a');
  });

  it('neither begins, counts nor gives up anything with other commands', () => {
    install('a');
    install('b', program('b', FAILS));
    write({ active: 'b', slots: BOTH, trial: trialOf('b', 'a', 1) });
    const before = readFileSync(stateFile(), 'utf8');
    expect(launch(['provision', 'pull'])).toMatchObject({ status: 1, name: 'b' });
    write({ active: 'a', slots: BOTH, pending: 'b' });
    expect(launch(['doctor'])).toMatchObject({ status: 0, name: 'a' });
    write({ active: 'b', slots: BOTH, trial: trialOf('b', 'a', 1) });
    expect(readFileSync(stateFile(), 'utf8')).toBe(before);
  });

  it('leaves an end alone that another process has confirmed meanwhile', () => {
    install('a');
    const confirm = path.join(folder, 'confirmed.json');
    write({ active: 'b', slots: BOTH });
    copyFileSync(stateFile(), confirm);
    install(
      'b',
      program(
        'b',
        `(await import('node:fs')).copyFileSync(${JSON.stringify(confirm)}, ${JSON.stringify(stateFile())})`,
      ),
    );
    write({ active: 'b', slots: BOTH, trial: trialOf('b', 'a', 1) });
    expect(launch()).toMatchObject({ status: 0, name: 'b' });
    expect(readFileSync(stateFile(), 'utf8')).toBe(readFileSync(confirm, 'utf8'));
  });

  it('goes back at once from a slot that is not whole, without holding it against the release', () => {
    install('a');
    install('b');
    rmSync(path.join(data, 'updates/slots/application-b', TREE_MARKER));
    write({ active: 'b', slots: BOTH, trial: trialOf('b', 'a', 0) });
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
    expect(state().application).toMatchObject({ active: 'a', slots: { b: null }, refusals: [] });
    rmSync(path.join(data, 'updates/slots/application-a/bin'), { recursive: true });
    expect(launch()).toMatchObject({ status: 0, name: 'factory' });
  });

  it('does not begin what waits and is not whole', () => {
    install('a');
    write({ active: 'a', slots: BOTH, pending: 'b' });
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
    expect(state().application).toMatchObject({ active: 'a', trial: null });
  });

  it('goes on with what served before where a trial cannot be counted', () => {
    install('a');
    install('b');
    write({ active: 'a', slots: BOTH, pending: 'b' });
    // A folder where the fresh state would be written: nobody can, root included.
    mkdirSync(`${stateFile()}.launch.tmp/x`, { recursive: true });
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
    write({ active: 'b', slots: BOTH, trial: trialOf('b', 'a', 0) });
    expect(launch()).toMatchObject({ status: 0, name: 'a' });
  });
});
