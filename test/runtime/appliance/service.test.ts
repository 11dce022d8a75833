import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import unixDgram from 'unix-dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boardState } from '../../../src/runtime/appliance/service/board.ts';
import { Heartbeat } from '../../../src/runtime/appliance/service/heartbeat.ts';
import { type ApplianceMetrics, serveMetrics } from '../../../src/runtime/appliance/service/metrics.ts';
import { openSupervisor } from '../../../src/runtime/appliance/service/notify.ts';

const PATH = process.env.PATH;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-service-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

describe('a supervisor', () => {
  it('hears that the appliance is ready, gets on and stops, in the words of systemd', async () => {
    const heard: string[] = [];
    const socket = unixDgram.createSocket('unix_dgram', (bytes) => heard.push(bytes.toString()));
    const address = path.join(folder, 'notify');
    socket.bind(address);
    const supervisor = await openSupervisor({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '15000000' }, fail);
    supervisor.ready();
    supervisor.status('reading\nand more');
    supervisor.progress();
    supervisor.stopping();
    await expect
      .poll(() => heard)
      .toEqual(['READY=1', 'STATUS=reading and more', 'WATCHDOG=1', 'STOPPING=1']);
    expect(supervisor.watchdogInterval).toBe(5000);
    supervisor.close();
    socket.close();
  });

  it('that has gone stops nothing', async () => {
    const supervisor = await openSupervisor({ NOTIFY_SOCKET: path.join(folder, 'gone') }, fail);
    for (let i = 0; i < 20; i++) supervisor.progress();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(supervisor.watchdogInterval).toBeNull();
    supervisor.close();
  });

  it('is not looked for where there is none, and watches only the process that it names', async () => {
    const none = await openSupervisor({}, fail);
    none.ready();
    none.close();
    const reasons: string[] = [];
    await openSupervisor({ NOTIFY_SOCKET: '@abstract' }, (reason) => reasons.push(reason));
    expect(reasons).toHaveLength(1);
    const other = await openSupervisor(
      { NOTIFY_SOCKET: path.join(folder, 'x'), WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' },
      fail,
    );
    expect(other.watchdogInterval).toBeNull();
    other.close();
  });
});

describe('the heartbeat', () => {
  const options = { interval: 5, onFault: () => {} };

  it('feeds only after every part has shown that it works', async () => {
    const told: string[] = [];
    const sign = (name: string) => async () => void told.push(name);
    const heartbeat = new Heartbeat([sign('engine'), sign('journal')], () => told.push('fed'), options);
    heartbeat.start();
    await expect.poll(() => told.length).toBeGreaterThan(5);
    heartbeat.stop();
    expect(told.slice(0, 6)).toEqual(['engine', 'journal', 'fed', 'engine', 'journal', 'fed']);
  });

  it('starves the watchdog while a part hangs', async () => {
    let fed = 0;
    const heartbeat = new Heartbeat([() => new Promise(() => {})], () => fed++, options);
    heartbeat.start();
    await new Promise((resolve) => setTimeout(resolve, 60));
    heartbeat.stop();
    expect(fed).toBe(0);
  });

  it('reports a part that fails, does not feed, and asks it again', async () => {
    let fed = 0;
    let asked = 0;
    const faults: unknown[] = [];
    const heartbeat = new Heartbeat(
      [
        async () => {
          if (++asked < 3) throw new Error('not now');
        },
      ],
      () => fed++,
      { interval: 5, onFault: (error) => faults.push(error) },
    );
    heartbeat.start();
    await expect.poll(() => fed).toBeGreaterThan(0);
    heartbeat.stop();
    expect(faults).toHaveLength(2);
  });
});

describe('the metrics', () => {
  const metrics: ApplianceMetrics = {
    captures_total: 12,
    retakes_total: 1,
    updates_kept_total: 0,
    updates_rolled_back_total: 0,
    commands_accepted_total: 0,
    commands_refused_total: 7,
    outbox_depth: 3,
    storage_headroom_bytes: 1e9,
    frame_age_seconds: null,
    temperature_celsius: 51.5,
    throttled: 0,
  };

  it('are served on loopback as Prometheus reads them, as they are at each scrape', async () => {
    let captures = 12;
    const server = await serveMetrics(0, () => ({ ...metrics, captures_total: captures++ }));
    try {
      const scrape = async () => (await fetch(server.url)).text();
      expect(await scrape()).toMatch(
        /# TYPE spikescope_captures_total counter\nspikescope_captures_total 12\n/,
      );
      const text = await scrape();
      expect(text).toContain('spikescope_captures_total 13\n');
      expect(text).toContain('spikescope_temperature_celsius 51.5\n');
      expect(text).not.toMatch(/^spikescope_frame_age_seconds/m);
      expect(text).toContain('nodejs_eventloop_lag_p99_seconds');
      expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
      expect((await fetch(server.url.replace('/metrics', '/'))).status).toBe(404);
      expect((await fetch(server.url, { method: 'POST' })).status).toBe(404);
      await expect(serveMetrics(Number(new URL(server.url).port), () => metrics)).rejects.toMatchObject({
        code: 'METRICS_PORT',
      });
    } finally {
      await server.close();
    }
  });
});

describe('the board', () => {
  function install(flags: string): void {
    writeFileSync(path.join(folder, 'vcgencmd'), `#!/bin/sh\necho throttled=${flags}\n`);
    chmodSync(path.join(folder, 'vcgencmd'), 0o755);
    process.env.PATH = `${folder}:/usr/bin:/bin`;
  }

  it('tells its temperature, and whether it is slowed down now', async () => {
    mkdirSync(path.join(folder, 'class/thermal/thermal_zone0'), { recursive: true });
    writeFileSync(path.join(folder, 'class/thermal/thermal_zone0/temp'), '51550\n');
    install('0x50000');
    expect(await boardState(folder)).toEqual({ temperature: 51.55, throttled: false });
    install('0x50005');
    expect(await boardState(folder)).toEqual({ temperature: 51.55, throttled: true });
  });

  it('tells nothing that it does not know', async () => {
    process.env.PATH = folder;
    expect(await boardState(folder)).toEqual({ temperature: null, throttled: null });
  });
});

describe('the unit of the service', () => {
  const unit = new URL('../../../provisioning/systemd/spikescope.service', import.meta.url).pathname;
  const canVerify = (() => {
    try {
      execFileSync('systemd-analyze', ['--version'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

  it.skipIf(!canVerify)('is understood by systemd as it is written', () => {
    // The program itself is installed elsewhere on a device; only the words of the unit are judged.
    const output = execFileSync('sh', ['-c', `systemd-analyze verify --man=no ${unit} 2>&1 || true`], {
      encoding: 'utf8',
    });
    expect(output).not.toMatch(/Unknown|Failed to parse|Invalid|not supported/i);
  });
});

function fail(reason: string): never {
  throw new Error(reason);
}
