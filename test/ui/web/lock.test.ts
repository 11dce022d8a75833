import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Clients, digestOf, PAIRED_COOKIE } from '../../../src/ui/web/server/clients.ts';
import { IdleDisplay } from '../../../src/ui/web/server/idle.ts';
import { Lock } from '../../../src/ui/web/server/lock.ts';
import { Pairing } from '../../../src/ui/web/server/pairing.ts';
import { openPreferences } from '../../../src/ui/web/server/preferences.ts';

const HERE = '127.0.0.1';
const otherThan = (code: string) => (code === '00000000' ? '00000001' : '00000000');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

describe('the PIN before the settings', () => {
  it('is the first that is given, opens for a while, and is in no file', async () => {
    const lock = new Lock(await openPreferences(folder));
    expect([lock.isSet, lock.isOpen]).toEqual([false, false]);
    expect(await lock.open('4711')).toBe(true);
    expect([lock.isSet, lock.isOpen]).toEqual([true, true]);
    lock.close();
    expect(await lock.open('4712')).toBe(false);
    expect(lock.isOpen).toBe(false);
    expect(readFileSync(path.join(folder, 'screen.json'), 'utf8')).not.toContain('4711');
    expect(await new Lock(await openPreferences(folder)).open('4711')).toBe(true);
  });

  it('takes no more after five wrong ones, the right one neither, until it has waited', async () => {
    const lock = new Lock(await openPreferences(folder));
    await lock.open('4711');
    lock.close();
    const tried = await Promise.all(['1', '2', '3', '4', '5'].map((digit) => lock.open(`000${digit}`)));
    expect(tried).toEqual(Array.from({ length: 5 }, () => false));
    expect(lock.left.wait).toBeGreaterThan(0);
    expect(await lock.open('4711')).toBe(false);
    vi.useFakeTimers({ toFake: ['performance'], now: 0 });
    vi.advanceTimersByTime(3_600_000);
    expect(lock.left.wait).toBe(0);
    expect(await lock.open('4711')).toBe(true);
  });
});

describe('another device', () => {
  it('is paired by the code that the display shows, once, and is known by its secret until it is let go', async () => {
    const preferences = await openPreferences(folder);
    const pairing = new Pairing(preferences);
    const clients = new Clients(() => preferences.data.paired);
    expect(await pairing.complete('12345678', HERE)).toBeNull();
    const code = pairing.begin('observer') ?? '';
    expect(code).toMatch(/^\d{8}$/);
    const secret = await pairing.complete(code, HERE);
    expect(await pairing.complete(code, HERE)).toBeNull();
    const request = { headers: { cookie: `a=b; ${PAIRED_COOKIE}=${secret}` } };
    const client = clients.of(request, { kind: 'network' });
    expect(client).toMatchObject({ role: 'observer', rights: ['see'] });
    expect(clients.of(request, { kind: 'display' })).toBeNull();
    expect(JSON.stringify(preferences.data)).not.toContain(secret);
    expect(preferences.data.paired[0].digest).toBe(digestOf(secret ?? ''));
    await pairing.end(client?.pairing ?? '');
    expect(clients.of(request, { kind: 'network' })).toBeNull();
  });

  it('has five guesses at a code, which no other address spends', async () => {
    const pairing = new Pairing(await openPreferences(folder));
    const code = pairing.begin('clinician') ?? '';
    for (let i = 0; i < 5; i++) expect(await pairing.complete(otherThan(code), HERE)).toBeNull();
    expect(await pairing.complete(code, HERE)).toBeNull();
    expect(await pairing.complete(code, 'another address')).not.toBeNull();
  });

  it('has none where a hundred guesses were made at a code, wherever they came from', async () => {
    const pairing = new Pairing(await openPreferences(folder));
    const code = pairing.begin('clinician') ?? '';
    for (let i = 0; i < 100; i++) {
      expect(await pairing.complete(otherThan(code), `10.0.0.${Math.floor(i / 4)}`)).toBeNull();
    }
    expect(await pairing.complete(code, HERE)).toBeNull();
  });
});

describe('the display', () => {
  it('is blanked when nobody does anything, not while something goes on, and wakes at once', () => {
    let [now, isBusy, changes] = [0, true, 0];
    const idle = new IdleDisplay({
      blankAfter: () => 2,
      isBusy: () => isBusy,
      onChange: () => void changes++,
      backlights: path.join(folder, 'none'),
      now: () => now,
    });
    now = 10 * 60_000;
    idle.look();
    expect(idle.isBlank).toBe(false);
    isBusy = false;
    now += 2 * 60_000 - 1;
    idle.look();
    expect(idle.isBlank).toBe(false);
    now += 1;
    idle.look();
    expect([idle.isBlank, changes]).toEqual([true, 1]);
    expect(idle.active()).toBe(true);
    expect([idle.isBlank, changes, idle.active()]).toEqual([false, 2, false]);
  });
});
