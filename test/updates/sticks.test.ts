/** Sticks that were filled by somebody else: read without a crash, a write, or more memory than a document takes. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../src/errors.ts';
import { FolderSource } from '../../src/updates/source/folder.ts';
import { Random } from '../support/random.ts';
import { TestDevice } from '../support/updates/device.ts';
import { Office } from '../support/updates/office.ts';

const STICKS = Number(process.env.SPIKESCOPE_STICKS ?? 200);
const NAME = 'stable/model-1.0.0.bin';
let office: Office;
let good: string;
let content: Buffer;
beforeAll(async () => {
  office = await Office.open();
  content = Buffer.from(new Random(5).bytes(90_000));
  await office.add(content, '1.0.0');
  await office.publish();
  good = await office.stick();
});
afterAll(() => office.end());

const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));

function copied(): string {
  const folder = path.join(office.folder, 'hostile');
  rmSync(folder, { recursive: true, force: true });
  cpSync(good, folder, { recursive: true });
  return folder;
}

const deviceOf = () => {
  const device = new TestDevice(readFileSync(path.join(good, 'metadata/1.root.json')));
  device.now = Date.now();
  return device;
};

/** Names and sizes of all that is on a stick, and when it was changed. */
const stateOf = (folder: string) =>
  execFileSync('find', ['-H', folder, '-printf', '%P %y %s %T@\\0'], { maxBuffer: 2 ** 26 }).toString(
    'latin1',
  );

type Harm = (file: string, random: Random, folder: string) => void;
const HARMS: Readonly<Record<string, Harm>> = {
  truncated: (file, random) => truncateSync(file, random.integer(0, statSync(file).size)),
  'with a flipped bit': (file, random) => {
    const bytes = readFileSync(file);
    bytes[random.integer(0, bytes.length - 1)] ^= 1 << random.integer(0, 7);
    writeFileSync(file, bytes);
  },
  'with a link in place of a file': (file) => {
    rmSync(file);
    symlinkSync('/etc/passwd', file);
  },
  'with a link to the true file': (file) => {
    renameSync(file, `${file}.true`);
    symlinkSync(`${file}.true`, file);
  },
  'with a linked folder': (_, __, folder) => {
    renameSync(path.join(folder, 'metadata'), `${folder}-elsewhere`);
    symlinkSync(`${folder}-elsewhere`, path.join(folder, 'metadata'));
  },
  'with a folder in place of a file': (file) => {
    rmSync(file);
    mkdirSync(file);
  },
  'with a pipe in place of a file': (file) => {
    rmSync(file);
    execFileSync('mkfifo', [file]);
  },
  'with a device in place of a file': (file) => {
    rmSync(file);
    execFileSync('sh', ['-c', 'mknod "$0" c 1 5 2>/dev/null || ln -s /dev/zero "$0"', file]);
  },
  'with random bytes': (file, random) => writeFileSync(file, random.bytes(random.integer(0, 100_000))),
  'with a sparse file of a terabyte': (file) => truncateSync(file, 2 ** 40),
  'without a file': (file) => rmSync(file),
};

describe(`${STICKS} sticks that were tampered with`, () => {
  it.each(Object.entries(HARMS))(
    '%s: refused or whole, and nothing else',
    { timeout: 600_000 },
    async (_, harm) => {
      const count = Math.ceil(STICKS / Object.keys(HARMS).length);
      const random = new Random(77);
      const device = deviceOf();
      for (let i = 0; i < count; i++) {
        const folder = copied();
        const files = filesOf(folder);
        harm(files[random.integer(0, files.length - 1)], random, folder);
        const before = stateOf(folder);
        const got = await device.download(new FolderSource(folder), NAME);
        if (typeof got === 'string') expect(got).toMatch(/^(TRUST|TARGET|SOURCE)_/);
        else expect(Buffer.from(got).equals(content)).toBe(true);
        expect(stateOf(folder)).toBe(before);
        rmSync(`${folder}-elsewhere`, { recursive: true, force: true });
      }
      expect(device.journal.verify()).toMatchObject({ sound: true });
      expect(await device.download(new FolderSource(good), NAME)).toEqual(content);
      device.end();
    },
  );

  it('with 10,000 files under hostile names, besides: as if they were not there', async () => {
    const folder = copied();
    for (const sub of ['metadata', 'targets/stable', '.']) {
      for (let i = 0; i < 3334; i++)
        writeFileSync(path.join(folder, sub, `${i}\n\x1b[31m.root.json\u202e`), 'x');
    }
    const device = deviceOf();
    expect(await device.download(new FolderSource(folder), NAME)).toEqual(content);
    device.end();
  });

  it('takes at most 64 MB more, however large its files are', async () => {
    const folder = copied();
    for (const file of filesOf(folder)) if (!file.endsWith('1.root.json')) truncateSync(file, 2 ** 40);
    const device = deviceOf();
    const before = process.memoryUsage().rss;
    expect(await device.download(new FolderSource(folder), NAME)).toBe('TRUST_TOO_LARGE');
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    device.end();
  });
});

describe('a folder', () => {
  it.each([
    ['..', 'metadata', '1.root.json'],
    ['metadata', '../1.root.json'],
    ['metadata', ''],
    ['metadata', '.'],
    ['a\0b'],
  ])('is never left by a name: %j', async (...name) => {
    const opening = new FolderSource(good).open(name, 0);
    await expect(opening).rejects.toMatchObject({ code: 'SOURCE_FOREIGN', exitCode: 3 });
  });

  it('may have a file under two names, as some copies make them', async () => {
    const folder = copied();
    const [file] = filesOf(path.join(folder, 'targets'));
    linkSync(file, `${file}.other`);
    const device = deviceOf();
    expect(await device.download(new FolderSource(folder), NAME)).toEqual(content);
    device.end();
  });

  it('that is not there is said to be', () => {
    expect(() => new FolderSource('/nowhere/at/all')).toThrow(SpikescopeError);
  });
});

describe('a stick that is over', () => {
  it('is taken for a reason that stands in the journal, from a folder alone', async () => {
    const device = deviceOf();
    device.now = Date.now() + 200 * 86_400_000;
    const source = new FolderSource(good);
    expect(await device.refresh(source)).toBe('TRUST_EXPIRED');
    expect(await device.refresh(source, { acceptExpired: 'no newer stick\nbefore May' })).toBe('trusted');
    const overrides = device.events().filter(({ event }) => event === 'override');
    expect(overrides).toMatchObject([
      { reason: 'no newer stick\\u000abefore May', by: 'technician', expired: [{ role: 'timestamp' }] },
    ]);
    const server = { kind: 'http' as const, describe: () => 'a server', open: async () => null };
    expect(await device.refresh(server, { acceptExpired: 'because' })).toBe('OVERRIDE_SOURCE');
    device.end();
  });

  it('needs no record where nothing has expired', async () => {
    const device = deviceOf();
    expect(await device.refresh(new FolderSource(good), { acceptExpired: 'to be sure' })).toBe('trusted');
    expect(device.events().map(({ event }) => event)).toEqual(['trusted']);
    device.end();
  });
});

describe('a stick that is older than the device', () => {
  it('is told as such, recorded, and changes nothing', async () => {
    const other = await Office.open();
    await other.add(content, '1.0.0');
    await other.publish();
    const older = await other.stick('older');
    await other.publish();
    const newer = await other.stick('newer');
    const device = new TestDevice(readFileSync(path.join(older, 'metadata/1.root.json')));
    device.now = Date.now();
    expect(await device.refresh(new FolderSource(newer))).toBe('trusted');
    const before = device.files();
    expect(await device.refresh(new FolderSource(older))).toBe('older');
    expect(device.files()).toEqual(before);
    expect(device.events().at(-1)).toMatchObject({
      event: 'older',
      received: 'version 1',
      expected: 'version 2 or newer',
    });
    device.end();
    other.end();
  });
});
