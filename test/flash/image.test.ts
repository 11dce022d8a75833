/** What the builder of images decides; that its images are whole and the same each time is image-build.test.ts's to show. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runScript } from '../support/run-script.ts';

/** What is used here of the scripts, which are JavaScript. */
interface Profile {
  readonly priority: number;
}
interface Verity {
  readonly rootHash: string;
  readonly salt: string;
  readonly hashOffset: number;
}
interface Driver {
  readonly file: string;
  readonly release: string;
}
interface Scripts {
  readonly AUTOBOOT: string;
  readonly LAYOUT: readonly { readonly name: string; readonly size: number; readonly type: string }[];
  addDriver(driver: Driver, kernel: { readonly release: string; readonly modules: string }): void;
  appendHashes(file: string, seed: string): Verity;
  checkScripts(scripted: readonly string[]): void;
  closureOf(index: string, wanted: readonly string[]): string[];
  commandLine(parts: { slot: string; console: string; common: string; verity: Verity }): string;
  groupShadowOf(group: string): string;
  inspectDriver(folder: string): Driver;
  isKept(name: string): boolean;
  kernelOf(folder: string, scratch: string): unknown;
  licencesOf(copyright: string): unknown[];
  linesOf(profiles: readonly Profile[], kind: string, block: string): string[];
  makeData(wish: Readonly<Record<string, unknown>>): void;
  makeDisk(wish: Readonly<Record<string, unknown>>): void;
  makeFat(wish: Readonly<Record<string, unknown>>): void;
  packagesOf(text: string, board: string): string[];
  readProfile(text: string): Profile;
  releaseOf(kernel: readonly { readonly name: string }[]): string | null;
  remaining(elapsed: number, done: number, total: number): number | null;
  requireRoom(file: string, size: number, name: string): void;
  requireTools(needed: readonly string[]): void;
  shadowOf(passwd: string, epoch: number): string;
  toolEnvironment(): NodeJS.ProcessEnv;
  understoodByOlder(text: string): string;
  uuidOf(seed: string, part: string): string;
}
const NAMES =
  'accounts authentication configure data digest driver kernel packages partitions progress sbom slot tools unpack'.split(
    ' ',
  );
const parts: object[] = await Promise.all(
  NAMES.map((name) => import(path.resolve(`scripts/flash/image/${name}.mjs`))),
);
const {
  AUTOBOOT,
  LAYOUT,
  addDriver,
  appendHashes,
  checkScripts,
  closureOf,
  commandLine,
  groupShadowOf,
  inspectDriver,
  isKept,
  kernelOf,
  licencesOf,
  linesOf,
  makeData,
  makeDisk,
  makeFat,
  packagesOf,
  readProfile,
  releaseOf,
  remaining,
  requireRoom,
  requireTools,
  shadowOf,
  toolEnvironment,
  understoodByOlder,
  uuidOf,
} = Object.assign({}, ...parts) as Scripts;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'image-parts-'));
  process.env.PATH = toolEnvironment().PATH;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function has(...programs: string[]): boolean {
  const places = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];
  return programs.every((program) => places.some((each) => exists(each, program)));
}
function exists(place: string, program: string): boolean {
  return statSync(path.join(place, program), { throwIfNoEntry: false }) !== undefined;
}
function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String((error as { code?: string }).code);
  }
  return 'nothing was refused';
}

describe('packages of an image', () => {
  it('are those that the list names for its board', () => {
    const text = '# words\nnodejs\npi5:firmware-brcm80211\n\nvirt:other # why\n';
    expect(packagesOf(text, 'pi5')).toEqual(['nodejs', 'firmware-brcm80211']);
    expect(packagesOf(text, 'virt')).toEqual(['nodejs', 'other']);
  });

  it('lose what no device reads, and keep what licences ask for', () => {
    expect(isKept('/usr/share/doc/bash/copyright')).toBe(true);
    expect(isKept('/usr/share/doc/bash/README')).toBe(false);
    expect(isKept('/usr/share/man/man1/bash.1.gz')).toBe(false);
    expect(isKept('/usr/bin/bash')).toBe(true);
  });

  it('are refused where nobody has said what their scripts need', () => {
    expect(() => checkScripts(['base-files', 'udev', 'tzdata'])).not.toThrow();
    expect(refusalOf(() => checkScripts(['base-files', 'a-new-one']))).toBe('BUILD_PACKAGE_UNKNOWN');
  });

  it('name their licences in the terms of SPDX where there is one', () => {
    const copyright = 'License: GPL-2+\n text\nLicense: Expat\nLicense: odd one\nLicense: GPL-2+\n';
    expect(licencesOf(copyright)).toEqual([
      { license: { id: 'MIT' } },
      { license: { id: 'GPL-2.0-or-later' } },
      { license: { name: 'odd one' } },
    ]);
    expect(licencesOf('')).toHaveLength(1);
  });
});

describe('accounts of an image', () => {
  it('have no password, whoever they are', () => {
    const passwd = 'root:x:0:0:root:/root:/bin/bash\nspikescope:x:900:900::/:/usr/sbin/nologin\n';
    expect(shadowOf(passwd, 86_400 * 20_000)).toBe(
      'root:*:20000:0:99999:7:::\nspikescope:*:20000:0:99999:7:::\n',
    );
    expect(groupShadowOf('gpio:x:901:spikescope\n')).toBe('gpio:*::spikescope\n');
  });

  it('are declared in words that older programs know as well', () => {
    expect(understoodByOlder('u! systemd-resolve -\nu root 0\n#u! is new\n')).toBe(
      'u systemd-resolve -\nu root 0\n#u! is new\n',
    );
  });
});

describe('modules of PAM', () => {
  const unix = readProfile(
    'Name: Unix\nDefault: yes\nPriority: 256\nAuth-Type: Primary\nAuth:\n\t[success=end]\tpam_unix.so try\n' +
      'Auth-Initial:\n\t[success=end]\tpam_unix.so\nSession-Type: Additional\nSession:\n\trequired\tpam_unix.so\n',
  );
  const other = readProfile(
    'Default: yes\nPriority: 10\nAuth-Type: Primary\nAuth:\n\t[success=end]\tpam_other.so\n' +
      'Session-Type: Additional\nSession-Interactive-Only: yes\nSession:\n\toptional\tpam_other.so\n',
  );

  it('jump over those after them, the first with its own words', () => {
    expect(linesOf([unix, other], 'auth', 'Primary')).toEqual([
      'auth\t[success=2]\tpam_unix.so',
      'auth\t[success=1]\tpam_other.so',
    ]);
  });

  it('stay out of sessions without a person where they say so', () => {
    expect(linesOf([unix, other], 'session', 'Additional')).toHaveLength(2);
    expect(linesOf([unix, other], 'session-noninteractive', 'Additional')).toEqual([
      'session\trequired\tpam_unix.so',
    ]);
    expect(linesOf([unix, other], 'auth', 'Additional')).toEqual([]);
  });
});

describe('modules of the kernel', () => {
  const index =
    'kernel/a/one.ko.xz: kernel/b/two-x.ko.xz kernel/c/three.ko\nkernel/b/two-x.ko.xz: kernel/c/three.ko\nkernel/c/three.ko:\n';

  it('come after all that they need, each once', () => {
    expect(closureOf(index, ['two_x', 'one'])).toEqual([
      'kernel/c/three.ko',
      'kernel/b/two-x.ko.xz',
      'kernel/a/one.ko.xz',
    ]);
  });

  it('are passed over where the kernel has them built in', () => {
    expect(closureOf(index, ['ext4'])).toEqual([]);
  });

  it('are asked for by a folder that holds a kernel', () => {
    mkdirSync(path.join(folder, 'no-kernel'));
    expect(refusalOf(() => kernelOf(path.join(folder, 'no-kernel'), folder))).toBe('BUILD_KERNEL');
  });
});

const compilers = ['aarch64-linux-gnu-gcc', 'modinfo', 'depmod', 'readelf'];
describe.skipIf(!has(...compilers))(`with ${compilers.join(', ')}: the driver of a card`, () => {
  const release = '7.3.4-test';

  /** A module with nothing in it but for whom it is. */
  function module(compiler: string, madeFor: string): string {
    const place = mkdtempSync(path.join(folder, 'driver-'));
    const source = `__attribute__((section(".modinfo"), used)) static const char v[] = "vermagic=${madeFor} SMP aarch64";`;
    const to = path.join(place, 'akida-pcie.ko');
    execFileSync(compiler, ['-x', 'c', '-c', '-', '-o', to], { input: source });
    return place;
  }

  function kernel() {
    const modules = path.join(mkdtempSync(path.join(folder, 'kernel-')), 'usr/lib/modules', release);
    mkdirSync(modules, { recursive: true });
    for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo'])
      writeFileSync(path.join(modules, name), '');
    return { release, modules };
  }

  it('becomes one of the modules of the kernel that it was built for', () => {
    const made = kernel();
    addDriver(inspectDriver(module('aarch64-linux-gnu-gcc', release)), made);
    expect(readFileSync(path.join(made.modules, 'modules.dep'), 'utf8')).toBe('updates/akida-pcie.ko:\n');
  });

  it('is refused for another kernel', () => {
    const other = inspectDriver(module('aarch64-linux-gnu-gcc', '6.12.0'));
    expect(refusalOf(() => addDriver(other, kernel()))).toBe('BUILD_DRIVER');
  });

  it('is refused before anything is built where there is none, or it is for another processor', async () => {
    const empty = mkdtempSync(path.join(folder, 'empty-'));
    const text = mkdtempSync(path.join(folder, 'text-'));
    writeFileSync(path.join(text, 'akida-pcie.ko'), 'a text');
    const wrong: [string, RegExp][] = [
      [empty, /received a folder without a module/],
      [path.join(empty, 'mistyped'), /received no such folder/],
      [path.join(text, 'akida-pcie.ko'), /received a file, where its folder/],
      [text, /received none/],
      ...(process.arch === 'x64'
        ? [[module('cc', release), /received one on .*X86-64/] as [string, RegExp]]
        : []),
    ];
    for (const [each, received] of wrong) {
      const cache = path.join(folder, 'cache-never-made');
      const words = ['--board', 'virt', '--out', path.join(folder, 'none.img'), '--cache', cache];
      const { status, stderr } = await runScript('scripts/flash/image.mjs', ...words, '--akida-driver', each);
      expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/\[BUILD_DRIVER\]/) });
      expect(stderr).toMatch(received);
      // Not even the first stage was begun.
      expect(stderr).not.toMatch(/\[1\//);
      expect(exists(folder, 'cache-never-made')).toBe(false);
    }
  });
});

it('knows the release of the kernel as soon as its packages are chosen', () => {
  const names = ['linux-base-7.3.4+deb13-arm64', 'linux-binary-7.3.4+deb13-arm64'];
  expect(releaseOf(names.map((name) => ({ name })))).toBe('7.3.4+deb13-arm64');
  expect(releaseOf([])).toBeNull();
});

describe('the command line of the kernel', () => {
  it('names slot, root, hash, salt and blocks', () => {
    const verity = { rootHash: 'aa', salt: 'bb', hashOffset: 8 * 4096 };
    expect(commandLine({ slot: 'b', console: 'console=x', common: 'ro quiet\n', verity })).toBe(
      'console=x root=PARTLABEL=root-b spikescope.slot=b spikescope.verity=aa:bb:8 ro quiet\n',
    );
  });

  it('is chosen by a file that the firmware reads as a whole', () => {
    expect(AUTOBOOT.length).toBeLessThan(512);
  });
});

describe('names by which the same inputs are known', () => {
  it('are UUIDs of version 4, other for each part and each input', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (seed, part) => {
        expect(uuidOf(seed, part)).toMatch(
          /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        );
        expect(uuidOf(seed, part)).not.toBe(uuidOf(`${seed}.`, part));
      }),
    );
  });
});

describe('the time that is left', () => {
  it('is unknown at first, then what the rest weighs', () => {
    expect(remaining(10, 0, 100)).toBeNull();
    expect(remaining(10, 25, 100)).toBe(30);
  });
});

describe('a missing program', () => {
  it('is named with the line to type', () => {
    expect(() => requireTools(['a-missing-one'])).toThrow(
      expect.objectContaining({
        code: 'BUILD_TOOL_MISSING',
        details: expect.objectContaining({
          remedy: expect.stringMatching(/^sudo apt-get install a-missing-one/),
        }),
      }),
    );
  });
});

const tools = ['mformat', 'mcopy', 'mke2fs', 'debugfs', 'e2fsck', 'sfdisk', 'veritysetup'];
describe.skipIf(!has(...tools))(`with ${tools.join(', ')}: the disk of an image`, () => {
  const epoch = 1_700_000_000;

  function make(name: string): string {
    const place = path.join(folder, name);
    const boot = path.join(place, 'boot');
    mkdirSync(boot, { recursive: true });
    writeFileSync(path.join(boot, 'config.txt'), 'kernel=kernel8.img\n');
    execFileSync('touch', ['-d', `@${epoch}`, path.join(boot, 'config.txt'), boot]);
    const files = {
      fat: path.join(place, 'fat'),
      data: path.join(place, 'data'),
      root: path.join(place, 'root'),
    };
    makeFat({ out: files.fat, size: 40 * 2 ** 20, label: 'SPIKESCOPE', seed: 'seed', epoch, folder: boot });
    makeData({
      out: files.data,
      size: 16 * 2 ** 20,
      seed: 'seed',
      epoch,
      settings: 'source: phantom\n',
      scratch: place,
    });
    writeFileSync(files.root, Buffer.alloc(1_000_000, 'spikescope'));
    appendHashes(files.root, 'seed');
    const disk = path.join(place, 'disk');
    makeDisk({ disk, seed: 'seed', contents: { config: files.fat, 'root-a': files.root, data: files.data } });
    return place;
  }
  const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const digest = (file: string) => digestOf(readFileSync(file));
  /** Of the table of partitions: comparing a mebibyte byte by byte takes a test a minute. */
  const headDigest = (file: string) =>
    digestOf(execFileSync('head', ['-c', '1M', file], { maxBuffer: 2 ** 21 }));
  const part = (place: string, name: string) => path.join(place, name);
  let first: string;
  beforeAll(() => {
    first = make('first');
  }, 60_000);

  it('has the same bytes when it is made again', () => {
    const second = make('second');
    for (const name of ['fat', 'data', 'root'])
      expect([name, digest(part(second, name))]).toEqual([name, digest(part(first, name))]);
    expect(headDigest(part(second, 'disk'))).toBe(headDigest(part(first, 'disk')));
  });

  it('has the partitions of its layout, aligned to a mebibyte, as sfdisk reads them', () => {
    const said = execFileSync('sfdisk', ['--json', part(first, 'disk')], { encoding: 'utf8' });
    const { partitiontable: table } = JSON.parse(said) as {
      partitiontable: {
        label: string;
        partitions: { name: string; start: number; size: number; type: string }[];
      };
    };
    expect(table.label).toBe('gpt');
    expect(table.partitions.map(({ name, size, type }) => ({ name, size: size * 512, type }))).toEqual(
      LAYOUT.map(({ name, size, type }) => ({ name, size, type })),
    );
    for (const { start } of table.partitions) expect((start * 512) % 2 ** 20).toBe(0);
  });

  it('carries in each partition what was made for it', () => {
    const fat = execFileSync('mtype', ['-i', `${part(first, 'disk')}@@1M`, '::config.txt'], {
      encoding: 'utf8',
    });
    expect(fat).toBe('kernel=kernel8.img\n');
  });

  it('has a root whose every block is verified', () => {
    const root = part(first, 'root');
    const offset = Math.ceil(1_000_000 / 4096) * 4096;
    const copy = path.join(folder, 'flipped');
    copyFileSync(root, copy);
    const { rootHash } = appendHashesTo(copy, offset);
    const verify = (file: string) =>
      execFileSync('veritysetup', ['verify', `--hash-offset=${offset}`, file, file, rootHash], {
        stdio: 'ignore',
      });
    expect(() => verify(root)).not.toThrow();
    const bytes = readFileSync(root);
    bytes[123_456] ^= 1;
    writeFileSync(copy, bytes);
    expect(() => verify(copy)).toThrow();
  });

  function appendHashesTo(file: string, offset: number) {
    truncateSync(file, offset);
    return appendHashes(file, 'seed');
  }

  it('keeps state in an ext4 that is clean, the appliance’s own as the appliance', () => {
    const said = execFileSync('debugfs', ['-R', 'stat /spikescope', part(first, 'data')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(said).toMatch(/Mode: {2}0700/);
    expect(said).toMatch(/User: +900 +Group: +900/);
  });

  it('refuses a system that outgrows its slot', () => {
    expect(refusalOf(() => requireRoom(part(first, 'root'), 4096, 'root-a'))).toBe('BUILD_SLOT_SIZE');
    expect(() => requireRoom(part(first, 'root'), 2 ** 30, 'root-a')).not.toThrow();
  });
});
