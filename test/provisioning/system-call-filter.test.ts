/**
 * The service under the very filter of system calls that its unit sets: the appliance runs as it would under systemd, which
 * itself is not needed. A machine without a C compiler or systemd-analyze skips this.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowedCalls, callNumbers, settingsOf } from './system-calls.ts';

const unit = readFileSync('provisioning/systemd/spikescope.service', 'utf8');

function has(program: string, option = '--version'): boolean {
  return spawnSync(program, [option], { stdio: 'ignore' }).status === 0;
}

/** Calls of x86-64 that arm64 has under another name only. */
const ON_ARM64: Readonly<Record<string, string>> = {
  access: 'faccessat',
  arch_prctl: 'prctl',
  chmod: 'fchmodat',
  creat: 'openat',
  dup2: 'dup3',
  epoll_create: 'epoll_create1',
  epoll_wait: 'epoll_pwait',
  eventfd: 'eventfd2',
  fork: 'clone',
  getdents: 'getdents64',
  getpgrp: 'getpgid',
  link: 'linkat',
  lstat: 'newfstatat',
  mkdir: 'mkdirat',
  open: 'openat',
  pipe: 'pipe2',
  poll: 'ppoll',
  readlink: 'readlinkat',
  rename: 'renameat',
  rmdir: 'unlinkat',
  select: 'pselect6',
  stat: 'newfstatat',
  symlink: 'symlinkat',
  time: 'clock_gettime',
  unlink: 'unlinkat',
  vfork: 'clone',
};

describe.skipIf(!has('systemd-analyze') || !has('cc'))('the service under its filter of system calls', () => {
  let folder: string;
  let filter: string;
  let allowed: Set<string>;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'spikescope-filter-'));
    filter = path.join(folder, 'filter');
    execFileSync('cc', ['-O1', '-o', filter, 'test/provisioning/system-call-filter.c']);
    allowed = allowedCalls(unit);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** One capture, as the service would take it. */
  const appliance = () => [
    process.execPath,
    path.resolve('bin/spikescope.mjs'),
    ...['run', '--source', 'phantom', '--count', '1', '--json', '--data', path.join(folder, 'data')],
  ];

  /** @param action `kill`, or the number of the error that answers what is not allowed */
  function underFilter(calls: Iterable<string>, action: string, command: readonly string[]) {
    const numbers = callNumbers();
    const list = path.join(folder, 'allowed');
    const known = [...calls].flatMap((name) => numbers.get(name) ?? []);
    writeFileSync(list, known.join('\n'));
    return spawnSync(filter, [action, list, ...command], { encoding: 'utf8' });
  }

  it('answers what it does not allow with an error', () => {
    expect(settingsOf(unit, 'SystemCallErrorNumber')).toEqual(['EPERM']);
  });

  it('takes a capture, reads it and publishes the result', () => {
    const { status, signal, stdout, stderr } = underFilter(
      allowed,
      String(constants.errno.EPERM),
      appliance(),
    );
    expect({ status, signal, stderr: status === 0 ? '' : stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    });
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([{ id: expect.any(String) }]);
  });

  it('starts Node even where what is not allowed ends the process', () => {
    const { status, signal } = underFilter(allowed, 'kill', [process.execPath, '-e', '0']);
    expect({ status, signal }).toEqual({ status: 0, signal: null });
  });

  it('would be noticed if it forbade what Node needs', () => {
    allowed.delete('mprotect');
    const { signal } = underFilter(allowed, 'kill', [process.execPath, '-e', '0']);
    allowed.add('mprotect');
    expect(signal).toBe('SIGSYS');
  });

  it.skipIf(!has('strace', '-V') || !has('aarch64-linux-gnu-gcc'))(
    'allows on arm64 what the appliance asks of the kernel here',
    () => {
      const trace = path.join(folder, 'trace');
      const { status } = spawnSync('strace', ['-f', '-qq', '-o', trace, ...appliance()]);
      expect(status).toBe(0);
      const used = new Set(
        [...readFileSync(trace, 'utf8').matchAll(/^\d+ +(\w+)\(/gm)].map(([, name]) => name),
      );
      expect(used.size).toBeGreaterThan(40);
      const arm64 = callNumbers('aarch64-linux-gnu-gcc');
      const wanted = [...used].map((name) => (arm64.has(name) ? name : (ON_ARM64[name] ?? name)));
      // Priorities and affinity may be refused: they are wishes. SQLite changes owners only as root.
      const wishes = ['sched_setaffinity', 'sched_setscheduler', 'setpriority', 'fchown'];
      expect(wanted.filter((name) => !allowed.has(name) && !wishes.includes(name))).toEqual([]);
      expect(wanted.filter((name) => !arm64.has(name))).toEqual([]);
    },
  );
});
