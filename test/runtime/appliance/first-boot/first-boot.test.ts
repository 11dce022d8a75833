/** A device of an image at its first start: who it is, and what a technician has told it. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
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
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { firstBootCommand } from '../../../../src/cli/provision/first-boot.ts';
import { firstBoot, hostnameOf } from '../../../../src/runtime/appliance/first-boot/first-boot.ts';
import { boardFacts, type Places, userNumbers } from '../../../../src/runtime/appliance/first-boot/places.ts';
import { readSetup } from '../../../../src/runtime/appliance/first-boot/setup.ts';
import { wifiConfiguration } from '../../../../src/runtime/appliance/first-boot/wifi.ts';
import { readConfiguration } from '../../../../src/runtime/appliance/settings/configuration.ts';
import { CertificateFolder, hasOpenssl } from '../../../support/certificates.ts';
import { anyCut, run } from '../../../support/power-cut/power-cut.ts';
import { canPreload } from '../../../support/preload.ts';
import { Random } from '../../../support/random.ts';
import { runCommand } from '../../../support/run-command.ts';

let folder: string;
let places: Places;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'first-boot-'));
  mkdirSync(at('partition'));
  places = {
    ...{ partition: at('partition'), settings: at('settings'), system: at('system'), data: at('data') },
    ...{ owner: null, board: null, serial: '10000000ABCD1234', imageRoot: at('image-root.json') },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...names: string[]) => path.join(folder, ...names);
const lay = (name: string, text: string) => writeFileSync(at('partition', name), text);
const text = (...names: string[]) => readFileSync(at(...names), 'utf8');
const settings = () => readConfiguration(at('settings/spikescope.yaml'));
const onPartition = () => readdirSync(at('partition')).sort();

/** Everything below a folder, by name. */
function contents(below: string): Record<string, string> {
  const names = readdirSync(below, { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => statSync(path.join(below, name)).isFile()).sort();
  return Object.fromEntries(files.map((name) => [name, readFileSync(path.join(below, name), 'utf8')]));
}

describe('a first start without a setup', () => {
  it('names the device after its board, and makes it a key and settings with which it runs', async () => {
    const { device, taken, refused } = await firstBoot({
      ...places,
      board: 'Raspberry Pi 5 Model B Rev 1.1',
    });
    expect({ device, taken, refused }).toEqual({ device: 'scope-abcd1234', taken: null, refused: null });
    expect(JSON.parse(text('data/device.json'))).toMatchObject({ device: 'scope-abcd1234' });
    expect(text('system/hostname')).toBe('scope-abcd1234\n');
    expect(settings()).toEqual({ source: 'libcamera', log: 'json' });
    expect(text('settings/device-key.pem')).toContain('PRIVATE KEY');
    expect(existsSync(at('system/wifi.conf'))).toBe(false);
  });

  it('gives a board without a serial number a name of chance, and draws where there is no camera', async () => {
    const { device } = await firstBoot({ ...places, serial: null });
    expect(device).toMatch(/^scope-[0-9a-f]{8}$/);
    expect(settings()).toMatchObject({ source: 'phantom' });
  });

  it('writes settings that the group of the appliance can read, whatever mask its unit has', async () => {
    const before = process.umask(0o077);
    try {
      await firstBoot(places);
    } finally {
      process.umask(before);
    }
    for (const name of ['spikescope.yaml', 'device-key.pem'])
      expect(statSync(at('settings', name)).mode & 0o777, name).toBe(0o640);
  });

  it('takes the root of updates that came with the image', async () => {
    writeFileSync(at('image-root.json'), '{"signed":{}}');
    await firstBoot(places);
    expect(text('settings/root.json')).toBe('{"signed":{}}');
    expect(settings().updates?.root).toBe(at('settings/root.json'));
  });

  it('changes nothing when it is done again', async () => {
    await firstBoot(places);
    const before = contents(folder);
    await firstBoot(places);
    expect(contents(folder)).toEqual(before);
  });

  it.skipIf(!hasOpenssl())(
    'asks for a certificate for its key, in a form that openssl verifies',
    async () => {
      const { certificateRequest } = await firstBoot(places);
      writeFileSync(at('device.csr'), certificateRequest ?? '');
      const { status, stdout, stderr } = spawnSync(
        'openssl',
        ['req', '-in', at('device.csr'), '-verify', '-noout', '-subject'],
        { encoding: 'utf8' },
      );
      expect({ status, said: stdout + stderr }).toMatchObject({
        status: 0,
        said: expect.stringContaining('OK'),
      });
      expect(stdout + stderr).toContain('scope-abcd1234');
    },
  );
});

const WIFI = `
wifi:
  country: DE
  networks:
    - {name: Praxis Süd, password: 'a "quoted" word'}
    - {name: Klinik, user: scope-7, password: geheim, authority: radius.pem, server: radius.klinik.example, hidden: true}
`;

describe('a setup', () => {
  it('is taken over once, and taken away with all that it names', async () => {
    lay('radius.pem', 'an authority');
    lay('root.json', '{"signed":1}');
    lay('holiday.jpg', 'not named');
    lay(
      'spikescope-config.yaml',
      `device: ward-3\ntime-zone: Europe/Berlin\nlanguage: de\nupdate-root: root.json${WIFI}
appliance:
  source: phantom
  broker: mqtt://10.0.2.2:1883
  allow-commands: [status]
  updates: {from: 'https://updates.example/clinic'}
`,
    );
    const { device, taken, refused } = await firstBoot(places);
    expect(refused).toBeNull();
    expect(device).toBe('ward-3');
    expect(taken).toEqual(['spikescope-config.yaml', 'radius.pem', 'root.json']);
    expect(onPartition()).toEqual(['holiday.jpg']);
    expect(settings()).toMatchObject({
      ...{ source: 'phantom', broker: 'mqtt://10.0.2.2:1883', allowCommands: ['status'] },
      updates: { from: 'https://updates.example/clinic', root: at('settings/root.json') },
    });
    expect(text('system/environment')).toBe('TZ=Europe/Berlin\nLANGUAGE=de\n');
    expect(text('system/hostname')).toBe('ward-3\n');
    expect(text('settings/radius.pem')).toBe('an authority');
    for (const secret of ['system/wifi.conf', 'system/environment']) {
      expect(statSync(at(secret)).mode & 0o077, secret).toBe(0);
    }
    expect(statSync(at('settings/device-key.pem')).mode & 0o027).toBe(0);
    const record = z
      .looseObject({ setups: z.array(z.unknown()) })
      .parse(JSON.parse(text('system/first-boot.json')));
    expect(record).toMatchObject({ device: 'ward-3', setups: [{ files: taken }] });
    // Nothing is left of the note, which had the passwords.
    expect(readdirSync(at('system')).sort()).toEqual([
      'environment',
      'first-boot.json',
      'hostname',
      'wifi.conf',
    ]);
  });

  it('is written over before its name goes', async () => {
    lay('spikescope-config.yaml', `device: ward-3${WIFI.replace(/ {4}- \{name: Klinik.*\n/, '')}`);
    linkSync(at('partition/spikescope-config.yaml'), at('same-blocks'));
    await firstBoot(places);
    expect(readFileSync(at('same-blocks')).every((byte) => byte === 0)).toBe(true);
  });

  it('may follow another later, and leaves what it does not name as it was', async () => {
    lay('spikescope-config.yaml', `language: de\n${WIFI.replace(/ {4}- \{name: Klinik.*\n/, '')}`);
    await firstBoot(places);
    const wifi = text('system/wifi.conf');
    lay('spikescope-config.yaml', 'appliance: {source: phantom, interval: 60000}');
    const { device } = await firstBoot(places);
    expect([device, settings().interval, text('system/wifi.conf')]).toEqual(['scope-abcd1234', 60_000, wifi]);
  });

  it.skipIf(!hasOpenssl())('may bring a certificate for the key that the device made itself', async () => {
    const office = new CertificateFolder(folder);
    office.authority('office');
    const { certificateRequest } = await firstBoot(places);
    writeFileSync(at('device.csr'), certificateRequest ?? '');
    execFileSync(
      'openssl',
      [
        'x509',
        '-req',
        '-in',
        'device.csr',
        '-CA',
        'office.crt',
        '-CAkey',
        'office.key',
        '-CAcreateserial',
        '-out',
        'device.crt',
      ],
      { cwd: folder, stdio: 'ignore' },
    );
    lay('device.pem', text('device.crt'));
    lay('office.pem', text('office.crt'));
    const setup = 'appliance: {broker: "mqtts://broker.example:8883", ca: office.pem, cert: device.pem}';
    lay('spikescope-config.yaml', setup);
    const outcome = await firstBoot(places);
    expect([outcome.refused, outcome.certificateRequest]).toEqual([null, null]);
    expect(settings()).toMatchObject({ cert: at('settings/device.pem'), key: at('settings/device-key.pem') });

    office.signed('stranger', 'office');
    lay('device.pem', text('stranger.crt'));
    lay('office.pem', text('office.crt'));
    lay('spikescope-config.yaml', setup);
    expect((await firstBoot(places)).refused).toMatchObject({ code: 'BROKER_TLS' });
  });

  it.each([
    ['devise: ward-3', 'SETUP_VALUE', 'line 1'],
    ['language: de\ntime-zone: Europe/Bärlin', 'SETUP_VALUE', 'line 2'],
    ['device: "../../etc"', 'SETUP_VALUE', 'line 1'],
    ['wifi:\n  country: de\n  networks: []', 'SETUP_VALUE', 'line 2'],
    [`${WIFI.trim()}\n    - {name: x, password: short}`, 'SETUP_VALUE', 'line 6'],
    [
      'wifi: {country: DE, networks: [{name: x, password: "line\\nctrl_interface=/tmp"}]}',
      'SETUP_VALUE',
      'line 1',
    ],
    ['device: [', 'SETUP_SYNTAX', 'line 1'],
    ['- a\n- list', 'SETUP_SYNTAX', 'line 1'],
    ['language: de\nappliance: phantom', 'SETUP_SYNTAX', 'line 2'],
    ['appliance:\n  sauce: phantom', 'CONFIG_KEY', 'line 2'],
    ['appliance:\n  source: phantom\n  interval: soon', 'CONFIG_VALUE', 'line 3'],
  ])('of “%s” is refused with the line, and nothing is changed', async (setup, code, line) => {
    await firstBoot(places);
    const before = { settings: contents(at('settings')), system: contents(at('system')) };
    lay('spikescope-config.yaml', setup);
    const { refused, taken } = await firstBoot(places);
    expect(refused).toMatchObject({ code, details: { field: expect.stringContaining(line) } });
    expect(refused?.describe()).not.toMatch(/short|geheim|quoted/);
    expect(taken).toBeNull();
    expect({ settings: contents(at('settings')), system: contents(at('system')) }).toEqual(before);
    expect(text('partition/spikescope-config.yaml')).toBe(setup);
  });

  it.each([
    ['appliance: {model: lesions.spikescope}', 'SETUP_BESIDE'],
    ['appliance: {broker: "mqtts://b.example", ca: /etc/shadow}', 'SETUP_BESIDE'],
    ['appliance: {updates: {root: ../other/root.json}}', 'SETUP_BESIDE'],
    ['appliance: {data: /tmp}', 'SETUP_BESIDE'],
    ['appliance: {broker: "mqtts://b.example", cert: nothing.pem}', 'BROKER_TLS'],
    ['device: another-name', 'SETUP_DEVICE'],
    ['update-root: root.json', 'SETUP_ROOT'],
  ])('of “%s” is refused', async (setup, code) => {
    writeFileSync(at('image-root.json'), '{"signed":"of the image"}');
    await firstBoot(places);
    lay('root.json', '{"signed":"another"}');
    lay('spikescope-config.yaml', setup);
    const { refused } = await firstBoot(places);
    expect(refused?.code).toBe(code);
    expect(text('settings/root.json')).toBe('{"signed":"of the image"}');
  });

  it('that came in the place of one that was taken over is not taken for that one', async () => {
    lay('spikescope-config.yaml', 'language: de');
    await firstBoot(places);
    const note = {
      schema: 1,
      changes: [],
      removals: [{ file: at('partition/spikescope-config.yaml'), sha256: 'x' }],
    };
    writeFileSync(at('system/take-over.json'), JSON.stringify(note));
    lay('spikescope-config.yaml', 'language: fr');
    expect((await firstBoot(places)).taken).toEqual(['spikescope-config.yaml']);
    expect(text('system/environment')).toContain('LANGUAGE=fr');
  });
});

describe('the configuration of Wi-Fi', () => {
  it.skipIf(spawnSync('wpa_supplicant', ['-v']).status !== 0)('is understood by wpa_supplicant', () => {
    lay('spikescope-config.yaml', WIFI);
    const { wifi } = readSetup(at('partition'));
    if (wifi === null) throw new Error('no Wi-Fi was read');
    const judge = (configuration: string): string => {
      writeFileSync(at('wifi.conf'), configuration);
      const { stdout } = spawnSync('wpa_supplicant', ['-dd', `-c${at('wifi.conf')}`, '-inone0'], {
        encoding: 'utf8',
      });
      return stdout;
    };
    const said = judge(wifiConfiguration(wifi, '/etc/spikescope'));
    expect(said).not.toMatch(/Line \d+: |Failed to read or parse/);
    expect(said).toContain(Buffer.from('Praxis Süd').toString('hex').match(/../g)?.join(' '));
    expect(judge('network={\nsid="x"\n}\n')).toMatch(/Line 2: unknown network field/);
  });
});

describe('the command', () => {
  const words = () => [
    ...['--config-partition', at('partition'), '--settings', at('settings'), '--system', at('system')],
    ...['--data', at('data')],
  ];

  it('leaves a report that every editor shows, also of a refusal', async () => {
    lay('spikescope-config.yaml', 'language: de');
    const { exitCode } = await runCommand(firstBootCommand(), words());
    expect(exitCode).toBe(0);
    expect(text('partition/setup.txt')).toMatch(/^(?:[\x20-\x7e]*\r\n)+$/);
    expect(text('partition/device.csr')).toContain('BEGIN CERTIFICATE REQUEST');
    lay('spikescope-config.yaml', 'language: Deutsch');
    expect((await runCommand(firstBootCommand(), words())).exitCode).toBe(2);
    expect(text('partition/setup.txt')).toMatch(/NOT taken over[\s\S]*line 1[\s\S]*SETUP_VALUE/);
  });

  it('knows the board by its device tree, and a user by name', () => {
    mkdirSync(at('tree'));
    writeFileSync(at('tree/model'), 'Raspberry Pi 5 Model B Rev 1.0\0');
    writeFileSync(at('tree/serial-number'), '10000000abcd1234\0');
    expect(boardFacts(at('tree'))).toEqual({
      board: 'Raspberry Pi 5 Model B Rev 1.0',
      serial: '10000000abcd1234',
    });
    expect(boardFacts(at('none'))).toEqual({ board: null, serial: null });
    expect(userNumbers('root')).toEqual({ uid: 0, gid: 0 });
    expect(() => userNumbers('nobody-at-all')).toThrow(expect.objectContaining({ code: 'OPTION_VALUE' }));
    expect(hostnameOf('Ward_3.North-')).toBe('ward-3-north');
  });
});

/** The nightly run sets 1,000. */
const RUNS = Math.ceil(Number(process.env.SPIKESCOPE_POWER_CUTS ?? 60) / 10);

it.skipIf(!canPreload())(
  `a power cut leaves a device that the next start makes whole, in ${RUNS} runs`,
  { timeout: 120_000 + 40_000 * RUNS },
  async () => {
    const random = new Random(20_261_129);
    for (let i = 0; i < RUNS; i++) {
      const device = at(`device-${i}`);
      mkdirSync(path.join(device, 'partition'), { recursive: true });
      const setup = path.join(device, 'partition/spikescope-config.yaml');
      writeFileSync(setup, `device: ward-${i}\nlanguage: de${WIFI.replace('radius.pem', 'authority.pem')}`);
      writeFileSync(path.join(device, 'partition/authority.pem'), 'an authority');
      const work = {
        module: path.resolve('test/support/power-cut/first-boot.mjs'),
        environment: { WORKLOAD_FOLDER: device },
        folder: device,
      };
      await run(work, anyCut('power', random, { changes: 90, milliseconds: 100 }));
      const [partition, own, system, data] = ['partition', 'settings', 'system', 'data'].map((name) =>
        path.join(device, name),
      );
      const outcome = await firstBoot({ ...places, partition, settings: own, system, data, imageRoot: null });
      expect(outcome).toMatchObject({ device: `ward-${i}`, refused: null });
      expect(existsSync(setup)).toBe(false);
      expect(readdirSync(system).sort()).toEqual(['environment', 'first-boot.json', 'hostname', 'wifi.conf']);
      expect(readFileSync(path.join(system, 'wifi.conf'), 'utf8')).toContain('authority.pem');
      expect(readFileSync(path.join(own, 'authority.pem'), 'utf8')).toBe('an authority');
      expect(readConfiguration(path.join(own, 'spikescope.yaml'))).toMatchObject({ source: 'phantom' });
    }
  },
);
