/** What doctor says of a card, on trees of files as machines of the field reports had them. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkCard } from '../../src/cli/doctor/akida-card.ts';
import type { Finding } from '../../src/cli/doctor/check.ts';
import { SpikescopeError } from '../../src/errors.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { cardHealth } from '../../src/runtime/appliance/service/card-health.ts';
import type { ReadCore } from '../../src/runtime/engine/card/core.ts';
import { cardFindings } from '../../src/runtime/engine/card/findings.ts';
import { cardReport } from '../../src/runtime/engine/card/report.ts';
import type { Backend } from '../../src/runtime/engine/contract.ts';
import { interpreterBackend } from '../../src/runtime/engine/interpreter.ts';
import { FailingCard } from '../support/failing-card.ts';
import { tinyModel } from '../support/tiny-model.ts';

const KERNEL = '6.12.47+rpt-rpi-2712';
const CHIP = 'sys/bus/pci/devices/0001:01:00.0';

let root: string;
let model: string;
beforeEach(async () => {
  root = mkdtempSync(path.join(tmpdir(), 'spikescope-machine-'));
  model = path.join(root, 'tiny.spikescope');
  await writeBundle(model, tinyModel());
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), content);
  }
}

/** A Raspberry Pi 5 without a card. */
function board(config = 'dtparam=audio=on\ndtparam=pciex1\n'): void {
  put({
    'proc/version': `Linux version ${KERNEL} (serge@raspberrypi.com) #1 SMP PREEMPT\n`,
    'proc/meminfo': 'MemTotal:        8255120 kB\nMemFree:         6000000 kB\n',
    'proc/device-tree/model': 'Raspberry Pi 5 Model B Rev 1.0\0',
    'boot/firmware/config.txt': config,
    'etc/group': `daemon:x:1:\nakida:x:${process.getgid?.() ?? 0}:\n`,
  });
}

const total = (kind: string, count: number) => `RxErr 0\nBadTLP ${count}\nTOTAL_ERR_${kind} ${count}\n`;

/** On the bus, with a link that is well. */
function chip(): void {
  put({
    [`${CHIP}/vendor`]: '0x1e7c\n',
    [`${CHIP}/device`]: '0xbca1\n',
    [`${CHIP}/config`]: Uint8Array.of(0x7c, 0x1e, 0xa1, 0xbc, 6, 0),
    [`${CHIP}/current_link_speed`]: '5.0 GT/s PCIe\n',
    [`${CHIP}/current_link_width`]: '1\n',
    [`${CHIP}/dma_mask_bits`]: '64\n',
    [`${CHIP}/link/l0s_aspm`]: '0\n',
    [`${CHIP}/link/l1_aspm`]: '0\n',
    [`${CHIP}/aer_dev_correctable`]: total('COR', 0),
    [`${CHIP}/aer_dev_nonfatal`]: total('NONFATAL', 0),
    [`${CHIP}/aer_dev_fatal`]: total('FATAL', 0),
    'sys/module/pcie_aspm/parameters/policy': '[default] performance powersave powersupersave\n',
  });
}

/** Built through DKMS for the kernel that runs, loaded, and bound. */
function driver(kernel = KERNEL): void {
  put({
    [`lib/modules/${kernel}/updates/dkms/akida-pcie.ko.xz`]: '',
    'var/lib/dkms/akida-pcie/1.0+d3fbd67/source': '',
  });
  if (kernel !== KERNEL) return;
  mkdirSync(path.join(root, 'sys/module/akida_pcie'), { recursive: true });
  symlinkSync('../../../bus/pci/drivers/akida-pcie', path.join(root, CHIP, 'driver'));
  node();
}

function node(mode = 0o660): void {
  put({ 'dev/akida0': '' });
  chmodSync(path.join(root, 'dev/akida0'), mode);
}

function working(): void {
  board();
  chip();
  driver();
}

function kernelSays(...lines: string[]): void {
  put({ 'dev/kmsg': lines.map((line, i) => `3,${i},${1000 * i},-;${line}\n SUBSYSTEM=pci\n`).join('') });
}

const withoutEngine: Backend = {
  kind: 'akida',
  describe: () => ({
    present: false,
    fault: new SpikescopeError('BACKEND_ABSENT', 'absent', {
      received: 'this build has no engine for the card',
    }),
  }),
  open: () => Promise.reject(new Error('nobody may open it')),
};

async function found(
  akida: Backend = new FailingCard(interpreterBackend).backend,
  readCore: ReadCore | null = null,
): Promise<readonly Finding[]> {
  const surroundings = { dev: path.join(root, 'dev'), sys: path.join(root, 'sys'), root, model };
  const findings = await checkCard({
    ...surroundings,
    ...{ dataFolder: root, backends: [interpreterBackend, akida], readCore },
  });
  return [findings].flat();
}

/** The finding that says it, with its remedy. */
async function saying(words: RegExp, akida?: Backend): Promise<Finding> {
  const findings = await found(akida);
  const finding = findings.find(({ detail }) => words.test(detail));
  if (finding === undefined) throw new Error(`nobody says ${words}: ${JSON.stringify(findings, null, 2)}`);
  expect(finding.part).toBe('card');
  return finding;
}

describe('doctor, where there is no card', () => {
  it('says so in one calm line', async () => {
    put({ 'proc/version': 'Linux version 6.1.0-28-amd64\n' });
    expect(await found()).toEqual([
      {
        part: 'card',
        state: 'absent',
        detail: 'no card; the processor computes; the driver akida-pcie is not on this machine',
      },
    ]);
    board();
    expect(await found()).toHaveLength(1);
  });

  it('reminds of the slot on a Raspberry Pi 5 whose slot is switched off', async () => {
    board('dtparam=audio=on\n');
    expect(await found()).toMatchObject([
      { state: 'absent', remedy: expect.stringContaining('dtparam=pciex1') },
    ]);
  });
});

describe('doctor, where there is a card', () => {
  it('says that it answers, with its link, driver, kernel and file', async () => {
    working();
    const [finding, ...others] = await found();
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ part: 'card', state: 'works' });
    expect(finding.detail).toBe(
      'AKD1000 at 0001:01:00.0, 5.0 GT/s PCIe ×1, driver akida-pcie; /dev/akida0 0660 akida; ' +
        `akida-pcie 1.0+d3fbd67 on kernel ${KERNEL}; it answers the golden inputs of tiny 1.0.0`,
    );
  });

  it('calls it working only after it has answered', async () => {
    working();
    const [finding, ...others] = await found(withoutEngine);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      ...{
        state: 'unknown',
        detail: expect.stringContaining('nothing was run on it: this build has no engine'),
      },
    });
  });

  it.each<[number, Finding['state'], string]>([
    [0xbc000002, 'unknown', 'its core answers as AKD1000; nothing was run on it'],
    [0xbca10309, 'unknown', 'its core answers as AKD1500; nothing was run on it'],
    [0xffffffff, 'broken', 'its registers read as ones [DEVICE_DEAD]'],
    [-1, 'broken', 'its registers read as ones [DEVICE_DEAD]'],
    [0x12345678, 'broken', 'another chip [DEVICE_VERSION]'],
  ])('asks the core where nothing can be run: %i', async (identification, state, words) => {
    working();
    const asked: string[] = [];
    const [finding] = await found(withoutEngine, (device) => {
      asked.push(device);
      return identification;
    });
    expect(asked).toEqual(['/dev/akida0']);
    expect(finding).toMatchObject({ state, detail: expect.stringContaining(words) });
    expect(finding.remedy).toBeTruthy();
  });

  it('leaves the core alone where something is wrong already, or where it has no file', async () => {
    working();
    const never: ReadCore = () => {
      throw new Error('it was asked');
    };
    put({ [`${CHIP}/config`]: new Uint8Array(64).fill(0xff) });
    expect((await found(withoutEngine, never))[0].state).toBe('broken');
  });

  it('knows an AKD1500 too', async () => {
    working();
    put({ [`${CHIP}/device`]: '0xa500\n', 'dev/akd1500_0': '' });
    expect((await found())[0].detail).toContain('AKD1500 at 0001:01:00.0');
  });

  it.each<[string, string, Finding['state']]>([
    ['DEVICE_DEAD', 'the card’s core is dead', 'broken'],
    ['DEVICE_TRANSFER', 'the card moved 1 bytes', 'broken'],
    ['DEVICE_TIMEOUT', 'the card takes too long', 'broken'],
    ['DEVICE_BUSY', 'another process has the card', 'unknown'],
    ['BACKEND_UNSUPPORTED', 'the bundle has no program', 'unknown'],
  ])('says in its own words what opening it ends with: %s', async (code, message, state) => {
    working();
    const { backend } = new FailingCard(interpreterBackend);
    const open = () => Promise.reject(new SpikescopeError(code, message));
    const [finding] = await found({ ...backend, open });
    expect(finding).toMatchObject({ state, detail: expect.stringContaining(`${message} [${code}]`) });
    expect(finding.remedy).toBeTruthy();
  });

  it('calls one broken that answers wrongly', async () => {
    working();
    const card = new FailingCard(interpreterBackend);
    card.outcomeOf = () => 'lies';
    expect((await found(card.backend))[0]).toMatchObject({
      ...{ state: 'broken', detail: expect.stringContaining('[BUNDLE_GOLDEN]') },
    });
    expect(card.openEngines).toBe(0);
  });
});

describe('doctor knows the faults of the field reports', () => {
  it('1: the driver is of another kernel, or stops before this one', async () => {
    board();
    chip();
    driver('6.6.51+rpt-rpi-2712');
    const finding = await saying(
      new RegExp(`built for 6.6.51\\+rpt-rpi-2712, and ${KERNEL.replace(/[+.]/g, '.')} runs`),
    );
    expect(finding).toMatchObject({ state: 'broken', remedy: expect.stringContaining('DKMS') });
    expect(await found()).toHaveLength(2);
    rmSync(path.join(root, 'lib'), { recursive: true });
    rmSync(path.join(root, 'var'), { recursive: true });
    expect((await saying(/is not built on this machine/)).detail).not.toContain('stops');
    put({ 'var/lib/dkms/akida-pcie/1.0/source': '' });
    expect((await saying(/version 1\.0 of it stops at kernel 6\.8/)).state).toBe('broken');
    put({ 'proc/version': 'Linux version 6.8.0-60-generic\n' });
    expect((await saying(/is not built on this machine/)).detail).not.toContain('stops');
  });

  it('1: a driver that is there has not taken the chip', async () => {
    board();
    chip();
    put({ [`lib/modules/${KERNEL}/updates/dkms/akida-pcie.ko`]: '' });
    expect((await saying(/no driver has taken AKD1000/)).remedy).toContain('modprobe');
  });

  it('2: transfers do not end though the link is up: off the bus and on again', async () => {
    working();
    kernelSays(
      'akida-pcie 0001:01:00.0: probed (akida0)',
      'akida-pcie 0001:01:00.0: DMA wait completion timed out',
      'akida-pcie 0001:01:00.0: DMA wait completion timed out',
    );
    expect(await saying(/did not end in time, 2 times/)).toMatchObject({
      ...{ state: 'broken', remedy: expect.stringMatching(/devices\/0001:01:00\.0\/remove; .*rescan/) },
    });
  });

  it('3: the core is dead though the driver has found it: power off', async () => {
    working();
    put({ [`${CHIP}/config`]: new Uint8Array(64).fill(0xff) });
    expect(await saying(/answers with ones only/)).toMatchObject({
      ...{ state: 'broken', remedy: expect.stringContaining('switch the power off') },
    });
  });

  it('4: a transfer was cut short', async () => {
    working();
    kernelSays('unexpected transfer len: 1 expected: 4');
    expect(await saying(/cut short: unexpected transfer len: 1 expected: 4/)).toMatchObject({
      state: 'broken',
    });
  });

  it('5: the link sleeps, or counts errors', async () => {
    working();
    put({ [`${CHIP}/link/l1_aspm`]: '1\n', [`${CHIP}/aer_dev_correctable`]: total('COR', 12) });
    const asleep = await saying(/may sleep \(L1\).*policy of the kernel: default/);
    expect(asleep).toMatchObject({ state: 'unknown', remedy: expect.stringContaining('pcie_aspm=off') });
    expect(await saying(/counted errors: 12 correctable, 0 not fatal, 0 fatal/)).toMatchObject({
      state: 'unknown',
    });
    // None of it says that the card does not work.
    expect((await found())[0].state).toBe('works');
    put({
      [`${CHIP}/link/l1_aspm`]: '0\n',
      'sys/module/pcie_aspm/parameters/policy': 'default performance [powersave] powersupersave\n',
    });
    expect((await saying(/policy of the kernel: powersave/)).state).toBe('unknown');
  });

  it('6: an overlay cuts off RP1, on a Raspberry Pi 5 alone', async () => {
    working();
    put({ 'boot/firmware/config.txt': 'dtparam=pciex1\ndtoverlay=pcie-32bit-dma\n' });
    expect(await saying(/cuts off RP1/)).toMatchObject({
      remedy: expect.stringContaining('pcie-32bit-dma-pi5'),
    });
    put({ 'proc/device-tree/model': 'Raspberry Pi Compute Module 4 Rev 1.0\0' });
    expect(await found()).toHaveLength(1);
    board('dtparam=pciex1\n# dtoverlay=pcie-32bit-dma\ndtoverlay=pcie-32bit-dma-pi5\n');
    expect(await found()).toHaveLength(1);
  });

  it('7: the mask is narrower than the memory, with kernel and mask', async () => {
    working();
    put({ [`${CHIP}/dma_mask_bits`]: '32\n' });
    const words = new RegExp(
      `a part of the memory only \\(kernel ${KERNEL.replace('+', '.')}, DMA mask of 32 bits, 8 GiB`,
    );
    expect((await saying(words)).state).toBe('unknown');
    kernelSays('akida-pcie 0001:01:00.0: probe with driver akida-pcie failed with error -12');
    expect((await saying(/error -12 .*DMA mask of 32 bits/)).state).toBe('broken');
    rmSync(path.join(root, 'dev/kmsg'));
    put({ 'proc/meminfo': 'MemTotal:        2000000 kB\n' });
    expect(await found()).toHaveLength(1);
  });

  it('8: the file is everybody’s, or not this user’s', async () => {
    working();
    node(0o666);
    expect(await saying(/every program may write to \/dev\/akida0 \(mode 0666, group akida\)/)).toMatchObject(
      {
        ...{ state: 'unknown', remedy: expect.stringContaining('udev rule') },
      },
    );
  });

  it('8: the file is root’s alone, or its group’s', async () => {
    working();
    const report = await cardReport(root);
    const withNode = (mode: number, group: string) =>
      cardFindings({ ...report, nodes: [{ path: '/dev/akida0', mode, group, isOpenable: false }] });
    expect(withNode(0o600, 'root')).toMatchObject([
      {
        weight: 'fault',
        detail: 'this user may not open /dev/akida0 (mode 0600, group root)',
        remedy: expect.stringContaining('udev rule'),
      },
    ]);
    expect(withNode(0o660, 'akida')).toMatchObject([
      { remedy: expect.stringContaining('usermod --append --groups akida') },
    ]);
  });
});

describe('the health of a card', () => {
  const state = { serves: true, fault: null, faults: 2 };

  it('has the link and what it counted', async () => {
    working();
    put({ [`${CHIP}/aer_dev_nonfatal`]: total('NONFATAL', 3) });
    expect(await cardHealth(state, root)).toEqual({
      ...state,
      ...{ link: '5.0 GT/s PCIe x1', linkErrors: { correctable: 0, nonfatal: 3, fatal: 0 } },
    });
  });

  it('says nothing that the system does not, and nothing without a card', async () => {
    expect(await cardHealth(state, root)).toEqual({ ...state, link: null, linkErrors: null });
    expect(await cardHealth(null, root)).toBeNull();
  });
});
