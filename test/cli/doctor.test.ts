import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Finding, Surroundings } from '../../src/cli/doctor/check.ts';
import { doctorCommand, examine } from '../../src/cli/doctor/doctor.ts';
import { surroundingsOf } from '../../src/cli/doctor/surroundings.ts';
import { UsageError } from '../../src/errors.ts';
import { DEFAULT_MODEL } from '../../src/runtime/engine/shipped-models.ts';
import { Journal } from '../../src/store/journal.ts';
import { CertificateFolder, hasOpenssl } from '../support/certificates.ts';
import { hasMosquitto, startMosquitto } from '../support/mosquitto.ts';
import { runCommand } from '../support/run-command.ts';

const PATH = process.env.PATH;
const GPIOD = fileURLToPath(new URL('../support/fake-gpiod.mjs', import.meta.url));

let folder: string;
let surroundings: Surroundings;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-doctor-'));
  for (const name of ['dev', 'sys', 'bin', 'data']) mkdirSync(path.join(folder, name));
  surroundings = {
    dev: path.join(folder, 'dev'),
    sys: path.join(folder, 'sys'),
    root: folder,
    model: DEFAULT_MODEL,
    dataFolder: path.join(folder, 'data'),
  };
  // Only what a test puts there is installed, and Node for the fakes.
  symlinkSync(process.execPath, path.join(folder, 'bin/node'));
  process.env.PATH = `${path.join(folder, 'bin')}:/usr/bin:/bin`;
});

afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

function put(file: string, content: string): void {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), content);
}

function install(name: string, script: string): void {
  put(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(folder, 'bin', name), 0o755);
}

async function found(part: string): Promise<Finding> {
  const finding = (await examine(surroundings)).find((each) => each.part === part);
  if (finding === undefined) throw new Error(`nothing was said of ${part}`);
  return finding;
}

describe('spikescope doctor', () => {
  it('says of every part whether it works, with a remedy for each that does not', async () => {
    const findings = await examine(surroundings);
    expect(findings.map(({ part }) => part)).toEqual([
      'engine',
      'models',
      'card',
      'camera',
      'gpio',
      'clock',
      'storage',
      'medium',
      'watchdog',
      'boot-loader',
      'certificates',
      'broker',
    ]);
    for (const { state, remedy, part } of findings) {
      // What only some boards have is not to be mended where it is not.
      const isOfSome = ['card', 'medium', 'watchdog', 'boot-loader', 'certificates'].includes(part);
      if (state !== 'works' && !isOfSome) expect(remedy, part).toBeTruthy();
    }
  });

  it('answers one JSON document', async () => {
    const { stdout } = await runCommand(doctorCommand(), ['--json', '--data', path.join(folder, 'data')]);
    expect(JSON.parse(stdout).findings).toHaveLength(12);
  });

  it('exits with 1 when something that is needed is broken', async () => {
    put('model', 'no bundle');
    const { exitCode, stdout } = await runCommand(doctorCommand(), [
      '--model',
      path.join(folder, 'model'),
      '--data',
      path.join(folder, 'data'),
    ]);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/✗ engine {3}.*\[BUNDLE_/);
  });

  it('names the models that there are to choose from, and the one in use', async () => {
    const { state, detail } = await found('models');
    expect(state).toBe('works');
    expect(detail).toMatch(/qana64 \(in use\), 64×64, \d+ M multiply-adds/);
    expect(detail).toMatch(/qana-akd1000, 64×64/);
  });

  it('asks libcamera for its cameras', async () => {
    install('rpicam-vid', "echo 'Available cameras'; echo '0 : imx477 [4056x3040] (/base/soc/i2c0mux)'");
    expect(await found('camera')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('imx477'),
    });
    install('rpicam-vid', 'echo No cameras available!');
    expect(await found('camera')).toMatchObject({
      state: 'broken',
      remedy: expect.stringContaining('cable'),
    });
  });

  it('finds the header by its label, in sysfs or through gpiod', async () => {
    symlinkSync(GPIOD, path.join(folder, 'bin/gpiodetect'));
    expect(await found('gpio')).toMatchObject({
      state: 'works',
      detail: expect.stringContaining('gpiochip0'),
    });
    put('sys/class/gpio/gpiochip571/label', 'pinctrl-rp1\n');
    put('sys/class/gpio/gpiochip571/base', '571\n');
    expect(await found('gpio')).toMatchObject({ state: 'works', detail: expect.stringContaining('571') });
  });

  it('verifies the journal, also beside an appliance that has it open, and notices a damaged one', async () => {
    const journal = Journal.open(path.join(folder, 'data/journal.sqlite'));
    expect(await found('storage')).toMatchObject({ state: 'works' });
    journal.close();
    put('data/journal.sqlite', 'this is no database, and long enough to be sure of that');
    expect(await found('storage')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('JOURNAL_'),
    });
  });

  it.skipIf(!hasMosquitto)('tries the broker that is named', async () => {
    const broker = await startMosquitto();
    try {
      surroundings = { ...surroundings, broker: `mqtt://127.0.0.1:${broker.port}` };
      expect((await found('broker')).state).toBe('works');
    } finally {
      await broker.stop();
    }
    expect((await found('broker')).state).toBe('broken');
    surroundings = { ...surroundings, broker: 'http://broker' };
    expect(await found('broker')).toMatchObject({ detail: expect.stringContaining('BROKER_URL') });
  });

  it('neither praises nor blames a clock of which nothing is known', async () => {
    install('timedatectl', 'echo no');
    expect(await found('clock')).toMatchObject({ state: 'unknown', remedy: expect.stringContaining('NTP') });
    install('timedatectl', 'echo yes');
    expect((await found('clock')).state).toBe('works');
  });

  it('does not call a camera working of which it has seen no frame', async () => {
    put('dev/video0', '');
    install('ffmpeg', 'echo ffmpeg version 5');
    process.env.PATH = path.join(folder, 'bin');
    expect(await found('camera')).toMatchObject({
      state: 'unknown',
      remedy: expect.stringContaining('--source v4l2:/dev/video0'),
    });
  });

  it('says which package is missing, in words', async () => {
    process.env.PATH = path.join(folder, 'bin');
    const { state, detail, remedy } = await found('gpio');
    expect(state).toBe('absent');
    expect(detail).toBe('the program gpiodetect is not installed');
    expect(remedy).toContain('apt-get install gpiod');
  });

  it('makes no data folder, which might then belong to the wrong user', async () => {
    surroundings = { ...surroundings, dataFolder: path.join(folder, 'state/spikescope') };
    expect(await found('storage')).toMatchObject({ state: 'unknown' });
    expect(existsSync(path.join(folder, 'state'))).toBe(false);
    put('file', '');
    surroundings = { ...surroundings, dataFolder: path.join(folder, 'file') };
    expect(await found('storage')).toMatchObject({
      state: 'broken',
      detail: expect.stringContaining('not a folder'),
    });
  });

  it('ends with wrong usage where the broker that was typed is none', async () => {
    const data = path.join(folder, 'data');
    expect(await runCommand(doctorCommand(), ['--data', data, '--broker', 'foo'])).toMatchObject({
      exitCode: 2,
      fault: { code: 'BROKER_URL' },
    });
    const args = ['--data', data, '--broker', 'mqtts://b.example', '--ca', path.join(folder, 'none')];
    expect(await runCommand(doctorCommand(), args)).toMatchObject({
      exitCode: 2,
      fault: { code: 'BROKER_TLS' },
    });
  });
});

describe('where doctor looks', () => {
  const remarks: string[] = [];
  const choose = (choice: Parameters<typeof surroundingsOf>[0], units: readonly string[] = []) => {
    remarks.length = 0;
    return surroundingsOf(choice, (line) => remarks.push(line), units);
  };

  it('is what the configuration says, and before that what was typed', () => {
    put(
      'scope.yaml',
      'model: m.spikescope\ndata: state\nbroker: mqtts://broker.example\nca: authority.pem\n',
    );
    const config = path.join(folder, 'scope.yaml');
    expect(choose({ config })).toMatchObject({
      model: path.join(folder, 'm.spikescope'),
      dataFolder: path.join(folder, 'state'),
      broker: 'mqtts://broker.example',
      tls: { ca: path.join(folder, 'authority.pem') },
    });
    expect(choose({ config, data: '/elsewhere' }).dataFolder).toBe('/elsewhere');
  });

  it('is the folder and the configuration of the service that is installed, not the home of who asks', () => {
    put('scope.yaml', 'broker: mqtt://broker.example\n');
    const config = path.join(folder, 'scope.yaml');
    put(
      'spikescope.service',
      `[Service]\nExecStart=/usr/bin/node x.mjs run --config ${config}\nEnvironment=XDG_STATE_HOME=/var/lib A=b\n`,
    );
    const units = [path.join(folder, 'none.service'), path.join(folder, 'spikescope.service')];
    expect(choose({}, units)).toMatchObject({
      dataFolder: '/var/lib/spikescope',
      broker: 'mqtt://broker.example',
    });
    expect(remarks).toEqual([`Examined as the service is configured: ${config}`]);
    expect(choose({ data: '/elsewhere' }, units).dataFolder).toBe('/elsewhere');
  });

  it('is understood from the unit that ships', () => {
    const unit = fileURLToPath(new URL('../../provisioning/systemd/spikescope.service', import.meta.url));
    expect(choose({}, [unit]).dataFolder).toBe('/var/lib/spikescope');
    expect(remarks.join()).toContain('/etc/spikescope/spikescope.yaml');
  });

  it('is wrong usage where the configuration that was named is none', () => {
    expect(() => choose({ config: path.join(folder, 'none.yaml') })).toThrow(UsageError);
  });
});

describe('the medium and the watchdog', () => {
  const only = async (part: 'medium' | 'watchdog') => (await examine(surroundings, [part]))[0];

  function mounted(options = 'rw,noatime'): void {
    const data = path.join(folder, 'data');
    put(
      'proc/self/mountinfo',
      `21 1 253:3 / / ro - erofs /dev/dm-0 ro\n42 21 179:6 /spikescope ${data} ${options} shared:1 - ext4 /dev/mmcblk0p6 rw\n`,
    );
    put('sys/dev/block/179:6/partition', '6');
    put('sys/dev/block/device/name', 'SC64G\n');
    put('sys/fs/ext4/mmcblk0p6/errors_count', '0\n');
    put('sys/fs/ext4/mmcblk0p6/lifetime_write_kbytes', '12300000\n');
  }

  it('are not missed where there are none', async () => {
    for (const part of ['medium', 'watchdog'] as const) expect((await only(part)).state).toBe('absent');
  });

  it('tell of a card how much was written, and that it says nothing of its wear', async () => {
    mounted();
    expect(await only('medium')).toEqual({
      part: 'medium',
      state: 'works',
      detail: 'ext4 on mmcblk0p6, SC64G; 12.3 GB written since it was made; it does not tell how worn it is',
    });
  });

  it.each([
    ['errors of the file system', () => put('sys/fs/ext4/mmcblk0p6/errors_count', '3\n'), /3 errors/],
    ['a life that is used up', () => put('sys/dev/block/device/life_time', '0x02 0x0b\n'), /worn out/],
    ['reserve blocks that run out', () => put('sys/dev/block/device/pre_eol_info', '0x02\n'), /worn out/],
    ['a mount that has become read-only', () => mounted('ro,noatime'), /read-only/],
  ])('call broken: %s', async (_, damage, remedy) => {
    mounted();
    damage();
    expect(await only('medium')).toMatchObject({ state: 'broken', remedy: expect.stringMatching(remedy) });
  });

  it('say whether a watchdog is fed', async () => {
    put('sys/class/watchdog/watchdog0/identity', 'Broadcom BCM2835 Watchdog timer\n');
    put('sys/class/watchdog/watchdog0/state', 'inactive\n');
    expect(await only('watchdog')).toMatchObject({
      state: 'unknown',
      remedy: expect.stringContaining('14s'),
    });
    put('sys/class/watchdog/watchdog0/state', 'active\n');
    expect((await only('watchdog')).state).toBe('works');
  });

  it.each([
    ['2021-04-29', 0x0b, true, 'broken', 'too old'],
    ['2021-04-29', 0x0b, false, 'absent', 'too old'],
    ['2024-09-23', 0xff, true, 'broken', 'no watchdog'],
    ['2025-08-20', 0xff, true, 'works', 'tries systems'],
  ] as const)(
    'stand on a boot loader: of %s with %i, slots %s: %s',
    async (day, can, hasSlots, state, words) => {
      const loader = path.join(folder, 'proc/device-tree/chosen/bootloader');
      const number = (value: number) => {
        const bytes = Buffer.alloc(4);
        bytes.writeUInt32BE(value);
        return bytes;
      };
      mkdirSync(loader, { recursive: true });
      writeFileSync(path.join(loader, 'build-timestamp'), number(Date.parse(day) / 1000));
      writeFileSync(path.join(loader, 'capabilities'), number(can));
      put('proc/cmdline', hasSlots ? 'quiet spikescope.slot=a\n' : 'quiet\n');
      const [finding] = await examine(surroundings, ['boot-loader']);
      expect(finding).toMatchObject({ state, detail: expect.stringMatching(`${day}.*${words}`) });
    },
  );

  it('stand in a report for any laptop, with the parts that were asked for', async () => {
    const report = path.join(folder, 'report');
    mkdirSync(report);
    const words = ['--part', 'clock', 'watchdog', '--report', report, '--json'];
    const { stdout } = await runCommand(doctorCommand(), words);
    const { findings } = JSON.parse(readFileSync(path.join(report, 'doctor.json'), 'utf8'));
    expect(findings).toEqual(JSON.parse(stdout).findings);
    expect(findings.map(({ part }: Finding) => part)).toEqual(['clock', 'watchdog']);
    expect(readFileSync(path.join(report, 'doctor.txt'), 'utf8')).toMatch(/^(?:[\x20-\x7e]*\r\n)+$/);
  });
});

describe.skipIf(!hasOpenssl())('the certificates for the broker', () => {
  it.each([
    ['in order', 400, 'works'],
    ['soon over', 30, 'unknown'],
    ['over', -2, 'broken'],
  ] as const)('that are %s are called so', async (_, days, state) => {
    const office = new CertificateFolder(folder);
    office.authority('office');
    office.signed('device', 'office', { validity: ['-days', String(Math.max(days, 1))] });
    surroundings = { ...surroundings, tls: { cert: office.file('device.crt') } };
    if (days < 0) vi.setSystemTime(Date.now() + 3 * 86_400_000);
    try {
      const [finding] = await examine(surroundings, ['certificates']);
      expect(finding).toMatchObject({ part: 'certificates', state });
    } finally {
      vi.useRealTimers();
    }
  });
});
