import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/store/journal.ts';
import { hasTerminal, runOnTerminal, type Terminal } from '../../support/terminal.ts';

let data: string;
let terminal: Terminal | null;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'keyboard-'));
  terminal = null;
});
afterEach(async () => {
  terminal?.kill();
  await terminal?.ended;
  rmSync(data, { recursive: true, force: true });
});

function run(...args: string[]): Terminal {
  terminal = runOnTerminal(['--data', data, ...args]);
  return terminal;
}

function sessionsIn(folder: string): string[] {
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  const captures = [...journal.records()].filter(({ kind }) => kind === 'capture');
  journal.close();
  return captures.map(({ payload }) => JSON.parse(payload).session);
}

const until = (terminal: Terminal, sign: RegExp) =>
  expect.poll(() => terminal.shown(), { timeout: 60_000 }).toMatch(sign);

describe.skipIf(!hasTerminal)('a person at the keyboard', { timeout: 180_000 }, () => {
  it('captures, is shown the reading, then asked, teaches another label, takes it back, and leaves', async () => {
    const desk = run('--trigger', 'buttons');
    await until(desk, /keys: c capture/);
    expect(desk.shown()).not.toContain('●');
    desk.type('c');
    await until(desk, /● (?:.|\n)*teach (\w+)\?/);
    const [first] = /teach \w+\?/.exec(desk.shown()) ?? [];
    desk.type('n');
    await expect.poll(() => desk.shown().match(/teach \w+\?/g)).toHaveLength(2);
    expect(desk.shown().match(/teach \w+\?/g)?.[1]).not.toBe(first);
    desk.type('y');
    await until(desk, /(Learned|Recorded): /);
    desk.type('u');
    await until(desk, /take back the last answer, \w+\?|There is no answer to take back/);
    expect(desk.shown()).not.toContain('The last answer is taken back');
    desk.type('u');
    await until(desk, /The last answer is taken back|There is no answer to take back/);
    desk.type('q');
    expect(await desk.ended).toBe(0);
    // The terminal also shows the keys as they are typed, before a card's first line.
    expect(desk.shown().match(/● \w/g)).toHaveLength(1);
  });

  it('is told which keys there are by a key that is none, and by a key that means nothing now', async () => {
    const desk = run('--trigger', 'buttons');
    await until(desk, /keys: c capture/);
    desk.type('xxx');
    await expect.poll(() => desk.shown().match(/keys: c capture/g)).toHaveLength(2);
    desk.type('y');
    await until(desk, /Nothing is asked now: c captures/);
    expect(desk.shown().match(/keys: c capture/g)).toHaveLength(2);
    desk.type('q');
    expect(await desk.ended).toBe(0);
  });

  it('reads lines that fit a terminal of forty columns', async () => {
    terminal = runOnTerminal(['--data', data, '--trigger', 'buttons'], { columns: 40 });
    const desk = terminal;
    await until(desk, /keys: c capture/);
    desk.type('c');
    await until(desk, /● (?:.|\n)*teach \w+\?/);
    desk.type('q');
    expect(await desk.ended).toBe(0);
    const card = desk.shown().slice(desk.shown().indexOf('●')).split('\n');
    const broken = card.filter((line) => [...line].length > 40 && line.includes('  '));
    expect(card.some((line) => line.includes('█'))).toBe(true);
    expect(broken).toEqual([]);
  });

  it('gets neither escapes nor blocks where the terminal is dumb and the locale is C', async () => {
    terminal = runOnTerminal(['--data', data, '--count', '2'], { TERM: 'dumb', LC_ALL: 'C' });
    expect(await terminal.ended).toBe(0);
    expect(terminal.raw()).toMatch(/^\* \w+/m);
    expect(terminal.raw()).not.toMatch(/[^\n\r\t -~]/);
  });

  it('serves one patient after the other: captures in a row are one session, over a restart too', async () => {
    for (const captures of [2, 1]) {
      const desk = run('--trigger', 'buttons');
      await until(desk, /keys: c capture/);
      for (let number = 1; number <= captures; number++) {
        desk.type('c');
        await until(desk, new RegExp(`capture ${number} at`));
      }
      desk.type('q');
      expect(await desk.ended).toBe(0);
    }
    const [first, ...others] = sessionsIn(data);
    expect(others).toEqual([first, first]);
    expect(await run('--count', '2').ended).toBe(0);
    // Phantoms that nobody asked for one by one.
    expect(new Set(sessionsIn(data)).size).toBe(3);
  });

  it('sees the reading before the question also while the broker is away', async () => {
    const desk = run('--trigger', 'buttons', '--broker', 'mqtt://127.0.0.1:9');
    await until(desk, /keys: c capture/);
    desk.type('c');
    await until(desk, /● (?:.|\n)*teach \w+\?/);
    expect(desk.shown().indexOf('●')).toBeLessThan(desk.shown().indexOf('teach'));
    desk.type('q');
    expect(await desk.ended).toBe(0);
  });
});
