/** Archives of applications: made the same twice, unpacked whole, and refused where they hold anything but plain files. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, constants, createBrotliCompress } from 'node:zlib';
import { Header } from 'tar';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ApplicationFile } from '../../src/release/application/application-files.ts';
import { packApplication } from '../../src/release/application/pack-application.ts';
import { isTreeWhole, TREE_MARKER, unpack } from '../../src/updates/install/application-tree.ts';
import { Random } from '../support/random.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'application-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = (name: string) => path.join(folder, name);

/** Files of a small program, written below `source`. */
function programFiles(
  contents: Readonly<Record<string, Uint8Array | string>>,
  source = 'source',
): ApplicationFile[] {
  return Object.entries({ 'bin/spikescope.mjs': '', 'package.json': '{}', ...contents })
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, content]) => {
      const file = place(path.join(source, name));
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      return { name, source: file, isExecutable: name.startsWith('bin/') };
    });
}

interface Part {
  readonly name: string;
  readonly type?: 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'BlockDevice' | 'FIFO';
  readonly content?: string;
  readonly mode?: number;
  readonly linkpath?: string;
  /** Bytes that the header promises. */
  readonly size?: number;
}

const PROGRAM: readonly Part[] = [{ name: 'bin/spikescope.mjs' }, { name: 'package.json', content: '{}' }];

/** An archive as nobody's tool would make it. */
function archive(parts: readonly Part[], end = Buffer.alloc(1024)): string {
  const blocks = parts.flatMap(({ name, type = 'File', content = '', mode = 0o644, linkpath, size }) => {
    const bytes = Buffer.from(content);
    const header = new Header({
      path: name,
      type,
      mode,
      size: size ?? bytes.length,
      mtime: new Date(0),
      ...(linkpath !== undefined && { linkpath }),
      devmaj: 1,
      devmin: 5,
    });
    const block = Buffer.alloc(512);
    header.encode(block);
    return [block, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  const file = place('archive.tar.br');
  writeFileSync(file, brotliCompressSync(Buffer.concat([...blocks, end])));
  return file;
}

const refused = { code: 'APPLICATION_ARCHIVE', exitCode: 3 };

describe('an archive of an application', () => {
  it('has the same bytes from another folder, at another time, under other rights', async () => {
    const contents = {
      'dist/a.js': 'a',
      'dist/b/c.js': new Random(3).bytes(70_000),
      'node_modules/x/LICENSE': 'x',
    };
    const [one, other] = ['one', 'other'].map((source) => programFiles(contents, source));
    for (const { source } of other) {
      utimesSync(source, 1, 1);
      chmodSync(source, 0o600);
    }
    await packApplication(one, place('one.tar.br'));
    await packApplication(other, place('other.tar.br'));
    expect(readFileSync(place('one.tar.br')).equals(readFileSync(place('other.tar.br')))).toBe(true);
  });

  it('is unpacked as it was packed, of any sizes, and marked whole', async () => {
    const random = new Random(8);
    const sizes = [0, 1, 511, 512, 513, 65_535, 65_536, 3_000_000];
    const long = `node_modules/@scope/${'n'.repeat(200)}/é.js`;
    const contents = Object.fromEntries([
      ...sizes.map((size) => [`data/${size}`, random.bytes(size)] as const),
      [long, 'long'],
    ]);
    const files = programFiles(contents);
    await packApplication(files, place('a.tar.br'));
    const told: number[] = [];
    await unpack(place('a.tar.br'), place('tree'), { onProgress: (bytes) => told.push(bytes) });
    for (const { name, source, isExecutable } of files) {
      const found = place(path.join('tree', name));
      expect(readFileSync(found).equals(readFileSync(source)), name).toBe(true);
      expect(statSync(found).mode & 0o100).toBe(isExecutable ? 0o100 : 0);
    }
    expect(told.at(-1)).toBe(statSync(place('a.tar.br')).size);
    expect(await isTreeWhole(place('tree'))).toBe(true);
  });

  it('is read by other programs', async () => {
    await packApplication(programFiles({ 'dist/a.js': 'a' }), place('a.tar.br'));
    const listed = execFileSync(
      process.execPath,
      ['-e', `process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)`],
      { input: readFileSync(place('a.tar.br')) },
    );
    const names = execFileSync('tar', ['-tf', '-'], { input: listed, encoding: 'utf8' });
    expect(names.trim().split('\n')).toEqual(['bin/spikescope.mjs', 'dist/a.js', 'package.json']);
  });

  it.each<[string, Part]>([
    ['a link out of the tree', { name: 'x', type: 'SymbolicLink', linkpath: '../../etc/passwd' }],
    ['a link within it', { name: 'x', type: 'SymbolicLink', linkpath: 'package.json' }],
    ['a hard link', { name: 'x', type: 'Link', linkpath: '/etc/passwd' }],
    ['a character device', { name: 'x', type: 'CharacterDevice' }],
    ['a block device', { name: 'x', type: 'BlockDevice' }],
    ['a pipe', { name: 'x', type: 'FIFO' }],
    ['an absolute name', { name: '/x' }],
    ['a name that leads up', { name: '../x' }],
    ['a name that leads up later', { name: 'bin/../../x' }],
    ['a folder that leads up', { name: '../', type: 'Directory' }],
    ['a name with a line feed', { name: 'a\nb' }],
    ['a name with an escape sequence', { name: 'a\x1b[31m' }],
    ['a name that is turned around', { name: 'a\u202eb' }],
    ['an empty level', { name: 'a//b' }],
    ['its own marker', { name: TREE_MARKER }],
    ['a program that runs as its owner', { name: 'x', mode: 0o4755 }],
    ['a program that runs as its group', { name: 'x', mode: 0o2755 }],
    ['a name twice', { name: 'package.json' }],
    ['a file below a file', { name: 'package.json/x' }],
    ['a folder in the place of a file', { name: 'package.json/', type: 'Directory' }],
    ['a name that is too long', { name: `${'x'.repeat(256)}` }],
  ])('with %s is refused, and leaves nothing outside', async (_, part) => {
    const before = readdirSync(folder);
    const file = archive([...PROGRAM, part]);
    await expect(unpack(file, place('tree'))).rejects.toMatchObject(refused);
    expect(readdirSync(folder).sort()).toEqual([...before, 'archive.tar.br', 'tree'].sort());
    expect(await isTreeWhole(place('tree'))).toBe(false);
  });

  it('is refused with too many files, too large ones, or ones that promise more', async () => {
    const limits = { files: 3, bytes: 1_000 };
    const more = [{ name: 'a' }, { name: 'b' }];
    await expect(unpack(archive([...PROGRAM, ...more]), place('1'), { limits })).rejects.toMatchObject(
      refused,
    );
    const large = [{ name: 'a', content: 'x'.repeat(1_001) }];
    await expect(unpack(archive([...PROGRAM, ...large]), place('2'), { limits })).rejects.toMatchObject(
      refused,
    );
    const promise = [{ name: 'a', size: 900 }];
    await expect(
      unpack(archive([...PROGRAM, ...promise], Buffer.alloc(0)), place('3'), { limits }),
    ).rejects.toMatchObject(refused);
  });

  it('is refused without a program, cut short, or of other bytes', async () => {
    await expect(unpack(archive([{ name: 'package.json' }]), place('1'))).rejects.toMatchObject(refused);
    const whole = archive([...PROGRAM, { name: 'a', content: 'x'.repeat(9_000) }]);
    truncateSync(whole, statSync(whole).size - 3);
    await expect(unpack(whole, place('2'))).rejects.toMatchObject(refused);
    const random = new Random(4);
    writeFileSync(place('random'), random.bytes(10_000));
    await expect(unpack(place('random'), place('3'))).rejects.toMatchObject(refused);
    writeFileSync(place('empty'), '');
    await expect(unpack(place('empty'), place('4'))).rejects.toMatchObject(refused);
  });

  it('with one bit or byte changed is refused or unpacked, 200 times, and never crashes or leaves the folder', async () => {
    const file = archive([
      ...PROGRAM,
      { name: 'dist/a.js', content: 'a'.repeat(3_000) },
      { name: 'b/', type: 'Directory' },
    ]);
    const raw = execFileSync(process.execPath, [
      '-e',
      `process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(${JSON.stringify(file)})))`,
    ]);
    const random = new Random(12);
    let refusals = 0;
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(raw);
      // Headers, where names, kinds and sizes stand.
      bytes[random.integer(0, 5) * 512 + random.integer(0, 511)] ^= 1 << random.integer(0, 7);
      writeFileSync(file, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
      const tree = place(`tree-${i}`);
      const fault: unknown = await unpack(file, tree).then(
        () => null,
        (error: unknown) => error,
      );
      if (fault !== null) expect(fault).toMatchObject(refused);
      refusals += fault === null ? 0 : 1;
      rmSync(tree, { recursive: true });
    }
    expect(refusals).toBeGreaterThan(50);
    expect(readdirSync(folder)).toEqual(['archive.tar.br']);
  });

  it('that grows to gigabytes ends at the limit, in bounded memory', async () => {
    const compress = createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });
    const pieces: Buffer[] = [];
    compress.on('data', (piece: Buffer) => pieces.push(piece));
    const header = Buffer.alloc(512);
    new Header({ path: 'a', type: 'File', mode: 0o644, size: 2 ** 31, mtime: new Date(0) }).encode(header);
    compress.write(header);
    for (let i = 0; i < 256; i++) compress.write(Buffer.alloc(2 ** 20));
    await new Promise<void>((resolve) => compress.end(resolve));
    writeFileSync(place('bomb'), Buffer.concat(pieces));
    const before = process.memoryUsage().rss;
    await expect(unpack(place('bomb'), place('tree'))).rejects.toMatchObject(refused);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
    expect(existsSync(place('tree/a'))).toBe(false);
  });

  it('goes into an empty folder alone', async () => {
    mkdirSync(place('tree'));
    symlinkSync('/etc', place('tree/bin'));
    await expect(unpack(archive(PROGRAM), place('tree'))).rejects.toMatchObject({
      code: 'APPLICATION_UNWRITABLE',
    });
    expect(readdirSync(place('tree'))).toEqual(['bin']);
  });

  it('ends when it is told to', async () => {
    const files = programFiles({ a: new Random(1).bytes(3_000_000) });
    await packApplication(files, place('a.tar.br'));
    const stop = new AbortController();
    const unpacking = unpack(place('a.tar.br'), place('tree'), {
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(unpacking).rejects.toMatchObject({ name: 'AbortError' });
    expect(await isTreeWhole(place('tree'))).toBe(false);
  });
});
