import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import unixDgram from 'unix-dgram';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boardState } from '../../../src/runtime/appliance/service/board.ts';
import { type ApplianceMetrics, serveMetrics } from '../../../src/runtime/appliance/service/metrics.ts';
import { openSupervisor } from '../../../src/runtime/appliance/service/notify.ts';
import { WatchdogFeeder } from '../../../src/runtime/appliance/service/watchdog-feeder.ts';
import { compiled } from '../../support/compiled.ts';

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
    await supervisor.close();
    socket.close();
  });

  it('that has gone stops nothing', async () => {
    const supervisor = await openSupervisor({ NOTIFY_SOCKET: path.join(folder, 'gone') }, fail);
    for (let i = 0; i < 20; i++) supervisor.progress();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(supervisor.watchdogInterval).toBeNull();
    await supervisor.close();
  });

  it('is not looked for where there is none, and watches only the process that it names', async () => {
    const none = await openSupervisor({}, fail);
    none.ready();
    await none.close();
    const other = await openSupervisor(
      { NOTIFY_SOCKET: path.join(folder, 'x'), WATCHDOG_USEC: '3000000', WATCHDOG_PID: '1' },
      fail,
    );
    expect(other.watchdogInterval).toBeNull();
    await other.close();
  });

  it('hears the same through systemd-notify where the package for its sockets is missing', async () => {
    const heard: string[] = [];
    const socket = unixDgram.createSocket('unix_dgram', (bytes) => heard.push(bytes.toString()));
    const address = path.join(folder, 'notify');
    socket.bind(address);
    install('systemd-notify', 'for word in "$@"; do printf "%s\\n" "$word" >> "$NOTIFY_SOCKET.heard"; done');
    const environment = {
      NOTIFY_SOCKET: address,
      WATCHDOG_USEC: '15000000',
      PATH: `${folder}:/usr/bin:/bin`,
    };
    const supervisor = await openSupervisor(environment, fail, async () => null);
    supervisor.ready();
    supervisor.status('reading\nand more');
    supervisor.progress();
    supervisor.stopping();
    await expect
      .poll(() => readIfThere(`${address}.heard`))
      .toBe('READY=1\nSTATUS=reading and more\nWATCHDOG=1\nSTOPPING=1\n');
    expect(supervisor.watchdogInterval).toBe(5000);
    await supervisor.close();
    socket.close();
  });

  it('in the abstract namespace hears it through systemd-notify as well', async () => {
    install('systemd-notify', `echo "$@" > ${path.join(folder, 'heard')}`);
    const environment = { NOTIFY_SOCKET: '@abstract', PATH: `${folder}:/usr/bin:/bin` };
    const supervisor = await openSupervisor(environment, fail);
    supervisor.ready();
    await expect.poll(() => readIfThere(path.join(folder, 'heard'))).toBe('READY=1\n');
    await supervisor.close();
  });

  it.each([
    ['is not installed', () => {}],
    ['fails', () => install('systemd-notify', 'exit 1')],
  ])('that cannot be told because systemd-notify %s is said once', async (_, prepare) => {
    prepare();
    const reasons: string[] = [];
    const environment = { NOTIFY_SOCKET: path.join(folder, 'x'), PATH: folder };
    const supervisor = await openSupervisor(
      environment,
      (reason) => reasons.push(reason),
      async () => null,
    );
    supervisor.ready();
    supervisor.progress();
    await supervisor.close();
    expect(reasons).toEqual([expect.stringContaining('systemd-notify')]);
    expect(reasons).toEqual([expect.stringContaining('unix-dgram')]);
  });

  function install(name: string, body: string): void {
    writeFileSync(path.join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }

  function readIfThere(file: string): string {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
});

describe('what feeds the watchdog', () => {
  const options = { interval: 5, onFault: () => {} };

  it('feeds only after every part has shown that it works', async () => {
    const told: string[] = [];
    const sign = (name: string) => async () => void told.push(name);
    const feeder = new WatchdogFeeder([sign('engine'), sign('journal')], () => told.push('fed'), options);
    feeder.start();
    await expect.poll(() => told.length).toBeGreaterThan(5);
    feeder.stop();
    expect(told.slice(0, 6)).toEqual(['engine', 'journal', 'fed', 'engine', 'journal', 'fed']);
  });

  it('starves the watchdog while a part hangs', async () => {
    let fed = 0;
    const feeder = new WatchdogFeeder([() => new Promise(() => {})], () => fed++, options);
    feeder.start();
    await new Promise((resolve) => setTimeout(resolve, 60));
    feeder.stop();
    expect(fed).toBe(0);
  });

  it('reports a part that fails, does not feed, and asks it again', async () => {
    let fed = 0;
    let asked = 0;
    const faults: unknown[] = [];
    const feeder = new WatchdogFeeder(
      [
        async () => {
          if (++asked < 3) throw new Error('not now');
        },
      ],
      () => fed++,
      { interval: 5, onFault: (error) => faults.push(error) },
    );
    feeder.start();
    await expect.poll(() => fed).toBeGreaterThan(0);
    feeder.stop();
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
    card_faults_total: null,
    card_serving: null,
    card_link_errors: null,
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

describe('an idle process with metrics', () => {
  it('is woken no more than a handful of times a second', () => {
    const source = `
      import { readFileSync } from 'node:fs';
      import { serveMetrics } from ${JSON.stringify(compiled('runtime/appliance/service/metrics.js'))};
      const server = await serveMetrics(0, () => ({}));
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const wakeUps = () => Number(/^voluntary_ctxt_switches:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      await sleep(500);
      const before = wakeUps();
      await sleep(3000);
      console.log(wakeUps() - before);
      await server.close();
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', source], {
      encoding: 'utf8',
    });
    expect(Number(output)).toBeLessThan(3 * 10);
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
