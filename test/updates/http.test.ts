/**
 * Repositories on web servers: Python's, which knows no parts of files, and the program's own; and servers that mean
 * harm.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, truncateSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serve } from '../../src/release/serve.ts';
import { HttpSource } from '../../src/updates/source/http.ts';
import { openSource } from '../../src/updates/source/open-source.ts';
import { Random } from '../support/random.ts';
import { TestDevice } from '../support/updates/device.ts';
import { Office } from '../support/updates/office.ts';

const NAME = 'stable/model-1.0.0.bin';
let office: Office;
let content: Buffer;
let stick: string;
let device: TestDevice;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  office = await Office.open();
  content = Buffer.from(new Random(9).bytes(300_000));
  await office.add(content, '1.0.0');
  await office.publish();
  stick = await office.stick();
});
afterAll(() => office.end());
afterEach(async () => {
  device.end();
  for (const end of ends.splice(0)) await end();
});

function newDevice(): TestDevice {
  device = new TestDevice(readFileSync(path.join(stick, 'metadata/1.root.json')));
  device.now = Date.now();
  return device;
}

/** A server of the test's own. @returns its address */
async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => closed(server));
  return addressOf(server);
}

function addressOf(server: Server): string {
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) throw new Error('it does not listen');
  return `http://127.0.0.1:${bound.port}/`;
}

function closed(server: Server): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** Python's own static server, in a process. */
async function python(): Promise<string> {
  const arguments_ = ['-u', '-m', 'http.server', '0', '--bind', '127.0.0.1', '--directory', stick];
  const child: ChildProcess = spawn('python3', arguments_, { stdio: ['ignore', 'pipe', 'ignore'] });
  ends.push(() => child.kill('SIGKILL'));
  if (child.stdout === null) throw new Error('no output');
  const [line] = await once(createInterface(child.stdout), 'line');
  const [, port] = /port (\d+)/.exec(String(line)) ?? [];
  return `http://127.0.0.1:${port}/`;
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('globalThis.gc')();
}

/** What a fetch that was ended has left: the first part of the target. */
async function interrupted(bytes: number): Promise<void> {
  await device.download(new HttpSource(await python()), NAME);
  const { rename, readdir } = await import('node:fs/promises');
  const staging = path.join(device.data, 'updates/staging');
  const [hash] = await readdir(staging);
  await rename(path.join(staging, hash), path.join(staging, `${hash}.partial`));
  truncateSync(path.join(staging, `${hash}.partial`), bytes);
}

describe('an answer that nobody reads for a while', () => {
  it('is all there when it is read, though memory was tidied up meanwhile', async () => {
    device = newDevice();
    const whole = Buffer.from(new Random(3).bytes(4_000_000));
    const server = await listening((_, response) => response.end(whole));
    for (let round = 0; round < 10; round++) {
      const opened = await new HttpSource(server).open(['whole'], 0);
      for (let turn = 0; turn < 10; turn++) {
        collectGarbage();
        await delay(5);
      }
      const pieces: Uint8Array[] = [];
      for await (const piece of opened?.pieces ?? []) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(whole)).toBe(true);
    }
  });
});

describe('a static web server', () => {
  it('of another project serves a repository as it is', async () => {
    newDevice();
    expect(await device.download(openSource(await python()), NAME)).toEqual(content);
    expect(device.events().map(({ event }) => event)).toEqual(['staged', 'trusted']);
  });

  it('that knows no parts is asked for all again where a fetch was ended', async () => {
    newDevice();
    await interrupted(123_456);
    expect(await device.download(new HttpSource(await python()), NAME)).toEqual(content);
  });

  it('that knows parts goes on where a fetch was ended', async () => {
    newDevice();
    await interrupted(123_456);
    const own = await serve(office.workspace, { host: '127.0.0.1', port: 0 });
    ends.push(() => closed(own));
    const ranges: string[] = [];
    own.prependListener('request', ({ headers }) => headers.range && ranges.push(headers.range));
    expect(await device.download(new HttpSource(addressOf(own)), NAME)).toEqual(content);
    expect(ranges).toEqual(['bytes=123456-']);
  });

  it('is asked once more for all where the first part is not what it was', async () => {
    newDevice();
    await interrupted(123_456);
    const { readdir, writeFile } = await import('node:fs/promises');
    const staging = path.join(device.data, 'updates/staging');
    const [partial] = await readdir(staging);
    await writeFile(path.join(staging, partial), Buffer.alloc(100_000));
    const own = await serve(office.workspace, { host: '127.0.0.1', port: 0 });
    ends.push(() => closed(own));
    expect(await device.download(new HttpSource(addressOf(own)), NAME)).toEqual(content);
  });

  it('that ends in the middle of a target leaves what has come for the next time', async () => {
    newDevice();
    const address = await listening((request, response) => {
      const file = path.join(stick, decodeURIComponent(request.url ?? ''));
      let bytes: Buffer;
      try {
        bytes = readFileSync(file);
      } catch {
        response.writeHead(404).end();
        return;
      }
      if (!file.includes('/targets/')) response.end(bytes);
      else {
        response.writeHead(200, { 'Content-Length': bytes.length });
        response.write(bytes.subarray(0, 200_000), () => response.destroy());
      }
    });
    expect(await device.download(new HttpSource(address), NAME)).toMatch(/^SOURCE_/);
    expect(Object.keys(device.files()).filter((name) => name.endsWith('.partial'))).toHaveLength(1);
    expect(await device.download(new HttpSource(await python()), NAME)).toEqual(content);
  });
});

describe('a server that means harm', () => {
  const harms: [what: string, answer: RequestListener, code: RegExp][] = [
    ['says nothing', () => {}, /^SOURCE_UNREACHABLE$/],
    ['says a byte and then nothing', (_, response) => response.write('{'), /^SOURCE_UNREACHABLE$/],
    [
      'sends elsewhere',
      (_, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
      /^SOURCE_ANSWER$/,
    ],
    ['fails', (_, response) => response.writeHead(500).end(), /^SOURCE_ANSWER$/],
    ['has no time now', (_, response) => response.writeHead(503).end(), /^SOURCE_UNREACHABLE$/],
    ['has nothing', (_, response) => response.writeHead(404).end(), /^TRUST_MISSING$/],
    [
      'never ends',
      (_, response) => {
        const piece = Buffer.alloc(65_536, 32);
        const pour = (): boolean => response.destroyed || !response.write(piece) || pour();
        response.on('drain', pour);
        pour();
      },
      /^TRUST_TOO_LARGE$/,
    ],
    [
      'sends a small answer that unpacks to a large one',
      (_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(BOMB),
      /^TRUST_TOO_LARGE$/,
    ],
    [
      'sends a part where none was asked for',
      (_, response) => response.writeHead(206).end('x'),
      /^SOURCE_ANSWER$/,
    ],
  ];
  const BOMB = gzipBomb();

  it.each(harms)('and %s: refused in time, and nothing is kept', async (_, answer, code) => {
    newDevice();
    const before = Object.keys(device.files());
    const address = await listening(answer);
    const source = new HttpSource(address, { patience: 1_000, stall: 1_000 });
    expect(await device.refresh(source)).toMatch(code);
    expect(
      Object.keys(device.files())
        .filter((name) => !before.includes(name))
        .sort(),
    ).toEqual(['owner.lock', 'root.json']);
  });

  it.each(['ftp://x/', 'http://', 'http://x/?query', 'https://x/#place'])('%s is no address', (address) => {
    expect(() => openSource(address)).toThrow(expect.objectContaining({ code: 'SOURCE_URL', exitCode: 2 }));
  });

  it('never sees a password of the address in what is said of it', () => {
    expect(new HttpSource('https://user:secret@updates.example/clinic').describe()).toBe(
      'https://updates.example/clinic/',
    );
  });
});

function gzipBomb(): Buffer {
  // 10 MB of spaces in ten kilobytes.
  return gzipSync(Buffer.alloc(10_000_000, 32));
}
