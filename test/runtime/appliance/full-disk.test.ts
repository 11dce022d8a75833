import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/store/journal.ts';
import { startAppliance } from '../../support/appliance.ts';
import { listenTo } from '../../support/listener.ts';
import { freePort, hasMosquitto, startMosquitto } from '../../support/mosquitto.ts';
import { canMount, fillUp, mountSmallDisk } from '../../support/small-disk.ts';

describe.skipIf(!canMount() || !hasMosquitto)('an appliance whose disk is full', () => {
  let data: string;
  let unmount: () => void;
  beforeEach(() => {
    data = mkdtempSync(path.join(tmpdir(), 'full-disk-'));
    unmount = mountSmallDisk(data, '24m');
  });
  afterEach(() => {
    unmount();
    rmSync(data, { recursive: true, force: true });
  });

  const depth = (): number => {
    const journal = Journal.open(path.join(data, 'journal.sqlite'));
    try {
      return journal.depth();
    } finally {
      journal.close();
    }
  };

  it('stays up, sends what waits, takes nothing, and takes captures again by itself when there is room', async () => {
    const port = await freePort();
    const common = ['--data', data, '--device-id', 'scope-1', '--source', 'phantom', '--log', 'text'];
    // Nobody listens there yet: the results wait.
    const first = startAppliance([...common, '--broker', `mqtt://127.0.0.1:${port}`, '--count', '3']);
    expect((await first.ended).exitCode).toBe(1);
    expect(depth()).toBe(3);

    const filler = path.join(data, 'filler');
    fillUp(filler);
    const broker = await startMosquitto({ port });
    const listener = await listenTo(broker.url);
    const second = startAppliance([...common, '--broker', `mqtt://127.0.0.1:${port}`]);
    try {
      const results = () => listener.heard.filter(({ topic }) => topic.endsWith('/result'));
      await expect.poll(() => results().length).toBe(3);
      await expect.poll(() => second.stderr()).toContain('[JOURNAL_FULL]');
      rmSync(filler);
      await expect.poll(() => results().length).toBeGreaterThan(3);
      expect(second.stderr()).toContain('[STORAGE_LOW]');
      second.kill('SIGTERM');
      expect(await second.ended).toEqual({ exitCode: 0, signal: null });
    } finally {
      second.kill('SIGKILL');
      await second.ended;
      await listener.close();
      await broker.stop();
    }
  });
});
